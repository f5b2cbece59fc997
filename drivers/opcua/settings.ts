/** What an installer writes for an OPC UA server and for each of its points. */
import { z } from 'zod';
import { durationMs } from '../../core/setting.ts';

export const settings = z.object({
  endpoint: z.string().regex(/^opc\.tcp:\/\/[^\s/]+(:\d{1,5})?(\/\S*)?$/).meta({ zh: '服务器地址', en: 'Address of the server', examples: ['opc.tcp://192.168.1.30:4840'] }),
  // Written by hand on purpose: nobody should run without security by leaving a line out.
  security: z.literal('none').meta({ zh: '安全策略;none 表示不签名、不加密,必须明确写出', en: 'Security; none neither signs nor encrypts and has to be written', examples: ['none'] }),
  publishEvery: durationMs().prefault('1s').meta({ zh: '服务器发送变化的间隔', en: 'How often the server sends what changed' }),
  sampleEvery: durationMs().prefault('1s').meta({ zh: '服务器采样的间隔;可在测点上单独设置', en: 'How often the server samples; a point may have its own' }),
  queueSize: z.int().min(1).max(10_000).default(10).meta({ zh: '服务器为每个测点缓存的值数', en: 'Values the server keeps for each point between two sendings' }),
});
export type OpcuaSettings = z.infer<typeof settings>;

const NODE = /^(nsu=[^;]+;|ns=\d+;)?[sigb]=.+$/;

export const point = z.object({
  node: z.string().regex(NODE).meta({
    zh: '节点:推荐 nsu=命名空间URI;s=名称(索引可能变化),也可用 ns=2;s=名称 或 i=编号', en: 'Node: best nsu=NAMESPACE-URI;s=NAME, since an index may change; ns=2;s=NAME and i=NUMBER are taken too',
    examples: ['nsu=urn:maker:device;s=Tank.Level', 'ns=2;s=Tank.Level', 'i=2258'],
  }),
  sampleEvery: durationMs().optional().meta({ zh: '该测点的采样间隔', en: 'Sampling interval of this point' }),
  queueSize: z.int().min(1).max(10_000).optional().meta({ zh: '该测点的缓存数', en: 'Queue size of this point' }),
});
export type OpcuaPoint = z.infer<typeof point>;
