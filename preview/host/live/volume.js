/** How loud a stream is, told now and again. */

const INTERVAL = 300;
/** One context for all: browsers allow few. */
let shared;

export class Volume {
  /** @param {MediaStream} stream @param {(volume: number) => void} tell from 0 to 100 */
  constructor(stream, tell) {
    if (stream.getAudioTracks().length === 0) return;
    shared ??= new AudioContext();
    this.source = shared.createMediaStreamSource(stream);
    const analyser = shared.createAnalyser();
    this.source.connect(analyser);
    const samples = new Float32Array(analyser.fftSize);
    this.timer = setInterval(() => {
      // Before the user has touched the page, a browser gives silence.
      if (shared.state === 'suspended') shared.resume();
      analyser.getFloatTimeDomainData(samples);
      const power = samples.reduce((sum, sample) => sum + sample * sample, 0) / samples.length;
      tell(Math.min(100, Math.round(Math.sqrt(power) * 100)));
    }, INTERVAL);
  }

  end() {
    clearInterval(this.timer);
    this.source?.disconnect();
  }
}
