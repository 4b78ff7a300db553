/** What the meter counts in a WebM stream is what ffprobe finds in it. */

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';
import { WebmMeter } from '../host/live/webm.js';

const SOURCE = '-f lavfi -i testsrc2=size=180x320:rate=10 -f lavfi -i sine -t 3';
const CODECS = '-c:v libx264 -g 10 -bf 0 -pix_fmt yuv420p -c:a libopus -ac 1 -f matroska -live 1 pipe:1';

test('counts frames, key frames and bytes, however the stream is cut', () => {
  const stream = execFileSync('ffmpeg', `-loglevel error ${SOURCE} ${CODECS}`.split(' '), { maxBuffer: 1 << 24 });
  const probe = execFileSync('ffprobe', '-v error -show_packets -show_streams -of json pipe:0'.split(' '), {
    input: stream,
    maxBuffer: 1 << 24,
  });
  const { packets } = JSON.parse(probe);
  const count = (type) => packets.filter(({ codec_type }) => codec_type === type).length;
  for (const size of [1, 7, 1000, stream.length]) {
    const meter = new WebmMeter();
    for (let at = 0; at < stream.length; at += size) meter.add(new Uint8Array(stream.subarray(at, at + size)));
    const { video, audio, width, height } = meter;
    assert.deepEqual(
      [video.frames, video.keyFrames, width, height],
      [count('video'), 3, 180, 320],
      `in pieces of ${size}`,
    );
    // A last block with a duration of its own is written in another way.
    assert.ok(audio.frames >= count('audio') - 1 && audio.frames > 100, `in pieces of ${size}: ${audio.frames}`);
    const bytes = packets.reduce((sum, packet) => sum + Number(packet.size), 0);
    assert.ok(
      Math.abs(video.bytes + audio.bytes - bytes) < bytes * 0.1,
      `${video.bytes} and ${audio.bytes}, not ${bytes}`,
    );
  }
});

test('garbage is counted as nothing and ends', () => {
  const meter = new WebmMeter();
  for (let round = 0; round < 200; round++)
    meter.add(Uint8Array.from({ length: 999 }, (_, index) => (index * 37 + round * 11) & 255));
  meter.add(new Uint8Array(10_000));
  assert.ok(meter.rest.length < 100);
});
