import { useState } from 'react';
import { View } from '@tarojs/components';
import Taro, { useReady, useRouter } from '@tarojs/taro';

export default function Room() {
  const { server, channelName, uid } = useRouter().params;
  const [state, setState] = useState('idle');

  useReady(() => {
    const { page } = Taro.getCurrentInstance();
    // What React has rendered is in the page one turn later.
    Taro.nextTick(() => {
      const channelServer = `${decodeURIComponent(server)}/nrtc/getChannelInfos.action`;
      page
        .selectComponent('#room')
        .enter({ appkey: 'demo', channelServer, channelName, uid: Number(uid) })
        .catch(({ message }) => Taro.showToast({ title: message, icon: 'none' }));
    });
  });

  return (
    <rtc-room
      id="room"
      class="room"
      ownName={`Taro ${uid}`}
      onStatechange={({ detail }) => setState(detail.state)}
      onFailure={({ detail }) => Taro.showToast({ title: detail.message, icon: 'none' })}
      onLeave={() => Taro.navigateBack()}
    >
      <View className="state">{state}</View>
    </rtc-room>
  );
}
