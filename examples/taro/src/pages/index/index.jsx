import { useState } from 'react';
import { Button, Input, View } from '@tarojs/components';
import Taro from '@tarojs/taro';

export default function Index() {
  const [server, setServer] = useState('http://127.0.0.1:8395');
  const [channelName, setChannelName] = useState('demo');
  const [uid, setUid] = useState('100');

  const open = (page) => {
    const query = `server=${encodeURIComponent(server)}&channelName=${channelName}&uid=${uid}`;
    Taro.navigateTo({ url: `/pages/${page}/${page}?${query}` });
  };

  return (
    <View className="form">
      <Input className="input" value={server} onInput={({ detail }) => setServer(detail.value)} />
      <Input className="input" value={channelName} onInput={({ detail }) => setChannelName(detail.value)} />
      <Input className="input" type="number" value={uid} onInput={({ detail }) => setUid(detail.value)} />
      <Button onClick={() => open('room')}>rtc-room</Button>
      <Button onClick={() => open('plain')}>live-pusher, live-player</Button>
    </View>
  );
}
