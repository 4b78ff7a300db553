// @ts-check
'use strict';
/**
 * The enumerations of the API (docs/protocol.md 7.2, 7.3), and all their members in one flat object,
 * as apps read them off the class and its instances. All names together would be a tenth of the glue, so what they
 * begin with is written once.
 */

/** @type {Record<string, any>} */
const ENUMS = {
  ROLE_FOR_MEETING: members('ROLE_', 'HOST AUDIENCE'),
  SESSION_MODE: members('', 'P2P MEETING'),
  LIVE_ENABLE: members('LIVE_ENABLE_', 'OPEN CLOSE', [1, 0]),
  RECORD_TYPE: members('RECORD_TYPE_', 'MIX_SINGLE ONLY_MIX ONLY_SINGLE', ['0', '1', '2']),
  RECORD_AUDIO: members('RECORD_AUDIO_', 'OPEN CLOSE', [1, 0]),
  RECORD_VIDEO: members('RECORD_VIDEO_', 'OPEN CLOSE', [1, 0]),
  NETCALL_MODE: members('NETCALL_MODE_', 'AUDIO_VIDEO ONLY_AUDIO ONLY_VIDEO NOAUDIO_NOVIDEO'),
  RTMP_RECORD: members('RTMP_RECORD_', 'OPEN CLOSE', [1, 0]),
  VOICE_BEAUTIFIER_TYPE: members(
    'VOICE_BEAUTIFIER_',
    'OFF MUFFLED MELLOW CLEAR MAGNETIC RECORDINGSTUDIO NATURE KTV REMOTE CHURCH BEDROOM LIVE'
  ),
  VOICE_EFFECT_TYPE: Object.freeze(
    Object.assign(
      { AUDIO_EFFECT_OFF: 0 },
      members(
        'VOICE_CHANGER_EFFECT_',
        'ROBOT GIANT HORROR MATURE MANTOWOMAN WOMANTOMAN MANTOLOLI WOMANTOLOLI',
        [1, 2, 3, 4, 5, 6, 7, 8]
      )
    )
  ),
  AUDIO_EQUALIZATION_BAND: members(
    'AUDIO_EQUALIZATION_BAND_',
    '31 62 125 250 500 1K 2K 4K 8K 16K',
    [31, 62, 125, 250, 500, 1000, 2000, 4000, 8000, 16000]
  ),
};

/**
 * @param {string} prefix of all names @param {string} names @param {(number | string)[]} [values] from 0 on, unless given
 */
function members(prefix, names, values) {
  /** @type {Record<string, number | string>} */
  const all = {};
  names.split(' ').forEach((name, index) => {
    all[prefix + name] = values ? values[index] : index;
  });
  // Since all clients share them.
  return Object.freeze(all);
}

module.exports = Object.freeze(Object.assign({}, ENUMS, ...Object.keys(ENUMS).map((name) => ENUMS[name])));
