import { useEffect, useState } from 'react';
import { LivePlayer, LivePusher, View } from '@tarojs/components';
import Taro, { useRouter } from '@tarojs/taro';
import YunXinMiniappSDK from 'nertc-miniapp';

export default function Plain() {
  const { server, channelName, uid: mine } = useRouter().params;
  const [pushUrl, setPushUrl] = useState('');
  const [pulled, setPulled] = useState([]);
  const [client] = useState(() => YunXinMiniappSDK.Client({ appkey: 'demo' }));

  useEffect(() => {
    const failed = ({ message }) => Taro.showToast({ title: message, icon: 'none' });
    const stop = ({ uid }) => setPulled((all) => all.filter((one) => one.uid !== uid));
    const play = (uid, url) => setPulled((all) => [...all.filter((one) => one.uid !== uid), { uid, url }]);
    client.on('stream-added', ({ uid, mediaType }) => {
      client.subscribe(uid, mediaType).then(({ url }) => play(uid, url), failed);
    });
    client.on('syncDone', ({ uid, url }) => (uid === Number(mine) ? setPushUrl(url) : play(uid, url)));
    client.on('clientLeave', stop);

    const channelServer = `${decodeURIComponent(server)}/nrtc/getChannelInfos.action`;
    client
      .join({ channelServer, channelName, uid: Number(mine) })
      .then(() => client.publish())
      .then(setPushUrl)
      .catch(failed);
    return () => {
      client.eventReset();
      client.leave();
    };
  }, []);

  const report = (direction, uid) => ({ detail }) => client.dataReporter(direction, 'bindstatechange', detail, uid);

  return (
    <View>
      {pushUrl && <LivePusher className="picture" url={pushUrl} mode="RTC" autopush onStateChange={report('push')} />}
      {pulled.map(({ uid, url }) => (
        <LivePlayer
          key={url}
          className="picture"
          src={url}
          mode="RTC"
          autoplay
          onStateChange={report('pull', uid)}
        />
      ))}
    </View>
  );
}
