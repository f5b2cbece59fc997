/** What a field engineer wants to know of a server before trusting it: who it is, and its state. */
import { AttributeIds } from 'node-opcua-client';
import type { Finding, PointOf } from '../../core/driver.ts';
import type { World } from '../../core/world.ts';
import { open } from './link.ts';
import type { OpcuaPoint, OpcuaSettings } from './settings.ts';

/** ProductName, ManufacturerName, SoftwareVersion of Server_ServerStatus_BuildInfo, and its State (OPC 10000-6, A). */
const NODES = ['i=2261', 'i=2263', 'i=2264', 'i=2259'];
const STATES = ['running', 'failed', 'no configuration', 'suspended', 'shutdown', 'test', 'communication fault', 'unknown'];

export async function probe(settings: OpcuaSettings, _points: readonly PointOf<OpcuaPoint>[], world: World, signal: AbortSignal): Promise<Finding[]> {
  const link = await open(settings, [], world, signal);
  try {
    const [product, maker, version, state] = (await link.session.read(NODES.map((nodeId) => ({ nodeId, attributeId: AttributeIds.Value })))).map(({ value }) => value?.value as unknown);
    const name = [maker, product, version].filter((part) => typeof part === 'string' && part !== '').join(' ') || '?';
    const word = STATES[Number(state)] ?? String(state);
    return [{ en: `server: ${name}, state ${word}`, zh: `服务器:${name},状态 ${word}` }];
  } finally {
    await link.close();
  }
}
