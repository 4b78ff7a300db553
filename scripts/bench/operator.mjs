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
  const answer = await fetch(`http://${gateway.admin}/v1/rooms`, { headers: { authorization: `Bearer ${TOKEN}` } });
  if (!answer.ok) throw new Refusal(`GET /v1/rooms: status ${answer.status}`);
  const { rooms } = await answer.json();
  return rooms.find((room) => room.channel === channel)?.members ?? [];
}
