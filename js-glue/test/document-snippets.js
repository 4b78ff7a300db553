/**
 * The code of the document that apps are written from, step by step, as it stands there; comments are
 * left out. Its mistakes are mended where marked. `this` is the page, and knows the client as `client`.
 */

let client;

exports.initialise = function (YunXinMiniappSDK) {
  client = YunXinMiniappSDK.Client({
      debug: true,
      appkey: 'YOUR_NETEASE_APPKEY'
  });

  client.init();
  this.client = client; // Mended: the document goes on with `this.client`.

  this.client.on('clientLeave', (data) => {
    const { uid, isBigNumber } = data;
    console.log('[clientLeave 通知] 用户离开: ', uid);
  });
  this.client.on('clientJoin', (data) => {
    const { uid, isBigNumber } = data;
    console.log('[clientJoin 通知] 用户加入: ', uid);
  });
};

exports.join = function () {
  let joinParam = {
      channelName: 'YOUR_CHANNEL_NAME',
      uid: 100,
      token: 'YOUR_TOKEN',
      liveEnable: 0,
      recordType: '0',
      recordAudio: 0,
      recordVideo: 0,
      isHostSpeaker: 0,
    }
    client.join(joinParam).then(data => {
       console.log('!!!! 加入房间成功');
    }).catch(e => {
       console.error('!!!! 加入房间失败：', e);
    })
};

exports.publish = function () {
  let mediaType = '';
  client.publish(mediaType).then(url => {
      console.log('推流成功, 获取推流地址: ', url);
  }).catch(e => {
      console.log('推流失败，原因: ', e.message);
  })
};

exports.subscribe = function () {
  client.on('stream-added', ({uid, mediaType, isBigNumber}) => {
      console.log(`用户 ${uid} 发布了 ${mediaType} 流`);

      client.subscribe(uid, mediaType).then(data => {
          console.log(`订阅用户 ${uid} 的 ${mediaType} 成功，拉流地址: `, data.url);
      }).catch(e => {
          console.log(`订阅用户 ${uid} 失败，原因: `, e);
      })
  });

  client.on("stream-removed", ({uid, mediaType, isBigNumber}) => { // Mended: the parentheses are missing.
    console.log(`[stream-removed 通知] ${uid} 停止发布自己的 ${mediaType}`)
  });

   this.client.on('clientLeave', (data) => {
    const { uid, isBigNumber } = data

    console.log('[clientLeave 通知] 有人离开了: ', uid)
  })
};

exports.listen = function () {
  client.on('clientJoin', ({uid, isBigNumber}) => {
    console.log(`音视频通知：用户 ${uid} 加入`);
  });

  client.on('clientLeave', ({uid, isBigNumber}) => {
    console.log(`音视频通知：用户 ${uid} 离开`);
  });

  client.on('kicked', (data) => {
    console.log('音视频通知：您已被踢出房间');
  });

  client.on('liveRoomClose', (data) => {
    console.log('音视频通知：房间已解散');
  });

  client.on('open', (data) => {
    console.log('音视频通知：信令通道连接成功');
  });

  client.on('disconnect', (data) => {
    console.log('音视频通知：信令通道已关闭。可能原因：主动离开房间，或网络断开且重连失败。');
  });

  client.on('willreconnect', (data) => {
    console.log('音视频通知：网络断开，正在尝试重连...');
  });

  client.on('reconnected', () => {
    console.log('音视频通知: 信令重连成功');
    client.publish('').then(url => {
        console.log('重连后重新推流成功, 获取新推流地址: ', url);
    }).catch(e => {
        console.log('重连后推流失败，原因: ', e.message);
    });
  });

  client.on('sendCommandOverTime', (data) => {
    console.log('音视频通知：SDK 信令发送超时');
  });

  client.on('syncDone', (data) => {
    const {uid, url, isBigNumber} = data;
    console.log('[syncDone 通知] 推流地址已更新, data: ', data);
  });
};

exports.pusherStateChangeHandler = function pusherStateChangeHandler(data) {
    let { code } = data.detail
    client.dataReporter('push', 'bindstatechange', {
      code,
      reason: ''
    })
}

exports.pusherNetstatusHandler = function pusherNetstatusHandler(data) {
    let { info } = data.detail
    client.dataReporter('push', 'bindnetstatus', info)
}

exports.pusherErrorHandler = function pusherErrorHandler(data) {
    let { errMsg, errCode } = data.detail
    client.dataReporter('push', 'binderror', {
      errCode,
      errMsg
    })
}

exports.pullerStateChangeHandler = function pullerStateChangeHandler(data) {
    let { code } = data.detail
    client.dataReporter('pull', 'bindstatechange', {
      code,
      reason: ''
    })
}

exports.pullerNetstatusHandler = function pullerNetstatusHandler(data) {
    let { info } = data.detail
    client.dataReporter('pull', 'bindnetstatus', info)
}

exports.closeMicrophone = function () {
  this.client.unpublish('audio').then(url => {
      console.log('unpublish', url); // Added: the document has comments here.
  })
};

exports.leave = function () {
  client.leave().then(() => {
    console.log('成功离开房间');
  }).catch(err => {
    console.error('离开房间失败:', err);
  });
};

/** The document's complete example. */
exports.complete = function (YunXinMiniappSDK) { // Mended: half of the import line is missing.
  let client = YunXinMiniappSDK.Client({
      debug: true,
      appkey: ''
  });

  client.init();

  initEvent()

  let joinParam = {
      channelName: '',
      uid: 100,
      token: ''
  }
  client.join(joinParam).then(data => {
      console.log('!!!! 房间房间成功：')
      client.publish('').then(url => {
          console.log('推流成功, 获取推流地址: ', url);
      }).catch(e => {
          console.log('推流失败，原因: ', e);
      })
  }).catch(e => {
      console.error('加入房间失败，原因：', e)
  })

  function initEvent() {
      client.on('stream-added', ({uid, mediaType, isBigNumber}) => {
          console.log(`[stream-added 通知] ${uid} 发布了自己的 ${mediaType}, isBigNumber: ${isBigNumber}`)
          client.subscribe(uid, mediaType).then(data => {
              console.log('订阅别人成功，获取到拉流地址: ', data.url)
          }).catch(e => {
              console.log('订阅别人失败，原因: ', e)
          })
      })
      client.on('syncDone', (data) => {
        const {uid, url, isBigNumber} = data
        console.log('[syncDone 通知] 推流地址发生了变化, data: ', data)
      })

      client.on('clientLeave', (data) => {
        const { uid, isBigNumber } = data

        console.log('[clientLeave 通知] 有人离开了: ', uid)
      })

      client.on('clientJoin', (data) => {
        const {uid, isBigNumber} = data

        console.log('音视频通知：有人加入')
      })

      client.on('kicked', (data) => {
        console.log('音视频通知：被踢')
      })

      client.on('open', (data) => {
        console.log('音视频通知：和服务器 socket 建立成功')
      })

      client.on('disconnect', (data) => {
        console.log('音视频通知：和服务器 socket 关闭了')
      })

      client.on('willreconnect', (data) => {
        console.log('音视频通知：准备重新建立和服务器之间的联系')
      })

      client.on('reconnected', (data) => {
          console.log('音视频通知：已经重新建立和服务器之间的联系')
          let mediaType = ''
          client.publish().then(url => {
              console.log('推流成功, 获取推流地址: ', url);
          }).catch(e => {
              console.log('推流失败，原因: ', e.message);
          })
      })

      client.on('sendCommandOverTime', (data) => {
        console.log('音视频通知：SDK 信令发送超时')
      })

      client.on('liveRoomClose', (data) => {
        console.log('音视频通知：房间解散了')
      })
  }
};
