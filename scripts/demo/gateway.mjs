/** Runs a gateway for as long as it is needed. */

import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { Refusal } from '../tools.mjs';

const FREE = { http: '127.0.0.1:0', rtmp: '127.0.0.1:0' };
const START = 10_000;
const STOP = 5_000;

/**
 * @param {string} program the gateway's executable
 * @param {object} [options]
 * @param {string[]} [options.args]
 * @param {{http: string, rtmp: string}} [options.ports] where to listen: an earlier gateway that has ended
 * @param {(line: string) => void} [options.log]
 * @returns {Promise<{http: string, rtmp: string, admin: string, pid: number, kill: () => Promise<void>, stop: () => Promise<void>}>}
 */
export async function startGateway(program, { args = [], ports = FREE, log = () => {} } = {}) {
  const listen = ['--listen', ports.http, '--rtmp-listen', ports.rtmp];
  // It ends with us, however we end: its standard input is our pipe.
  const child = spawn(program, [...listen, '--exit-on-stdin-close', ...args], { stdio: ['pipe', 'pipe', 'pipe'] });
  const ended = new Promise((settle) => child.once('exit', settle));
  const said = [];
  createInterface({ input: child.stderr }).on('line', (line) => {
    said.push(line);
    if (said.length > 20) said.shift();
    log(line);
  });

  const ready = await new Promise((settle, refuse) => {
    const fail = (why) => refuse(new Refusal(`the gateway did not start: ${why}\n${said.join('\n')}`));
    const timer = setTimeout(() => fail(`not ready within ${START} ms`), START);
    child.once('error', (error) => fail(error.message));
    child.once('exit', (code) => fail(`ended with code ${code}`));
    createInterface({ input: child.stdout }).on('line', (line) => {
      const found = line.match(/^ready (\{.*\})$/);
      if (!found) return;
      clearTimeout(timer);
      settle(JSON.parse(found[1]));
    });
  });

  const end = async (signal) => {
    const timer = setTimeout(() => child.kill('SIGKILL'), STOP);
    child.kill(signal);
    await ended;
    clearTimeout(timer);
  };
  return { ...ready, pid: child.pid, stop: () => end('SIGTERM'), kill: () => end('SIGKILL') };
}
