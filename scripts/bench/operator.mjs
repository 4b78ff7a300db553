/** What the operator of a gateway sees. */

import { Refusal } from '../tools.mjs';

const TOKEN = 'bench-operator-token';

/** What a gateway is started with, so that its operator can be asked. */
export const OPERATED = ['--admin-token', TOKEN];

/**
 * @param {{admin: string}} gateway
 * @param {string} channel
 * @returns {Promise<{uid: number, online: boolean, published: string[]}[]>} empty when there is no such room
 */
export async function members(gateway, channel) {
  const address = `http://${gateway.admin}/v1/rooms/${encodeURIComponent(channel)}`;
  const answer = await fetch(address, { headers: { authorization: `Bearer ${TOKEN}` } });
  const { code, members: found } = await answer.json();
  if (code === 'no-such-room') return [];
  if (!answer.ok) throw new Refusal(`GET /v1/rooms/${channel}: status ${answer.status}, ${code}`);
  return found;
}
