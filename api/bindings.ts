/** Which edges have a device, and what becomes of it when an operator gives it to another. */
import { z } from 'zod';
import { IDS } from '../core/event.ts';
import { settingIssue } from '../core/setting.ts';
import { component } from './component.ts';
import { count } from './fields.ts';

export const BindingView = component('Binding', 'which edges have a device', '设备所属的边缘节点', z.object({
  device: z.string(),
  edges: z.array(z.string()).meta({ en: 'of several the one that last had it live is asked', zh: '多个时，命令发往最近与其通信的节点' }),
  configured: z.boolean().meta({
    en: 'by the configuration; else the first edge seen with it, or an operator',
    zh: '由配置指定；否则为首个上送的节点，或由操作员绑定',
  }),
  foreign: z.array(z.object({ edge: z.string(), count })).meta({
    en: 'edges that spoke for it all the same, with the number of their events held back',
    zh: '仍上送其数据的其他节点，及暂存的事件数',
  }),
}));
export type BindingView = z.infer<typeof BindingView>;

export const BindResultView = component(
  'BindResult', 'a device that was given to an edge, or an edge that was moved to a centre', '设备绑定或中心变更的结果',
  z.object({
    edge: z.string(),
    device: z.exactOptional(z.string()),
    centre: z.exactOptional(z.string()),
    before: z.array(z.string()),
    taken: count.meta({ en: 'events that were held back and came in now', zh: '随之入库的暂存事件数' }),
  }),
);
export type BindResultView = z.infer<typeof BindResultView>;

export const BIND_BODY = z
  .strictObject({
    edge: z
      .string()
      .regex(IDS.edge)
      .meta({ en: 'edge that gets it', zh: '绑定到的边缘节点', examples: ['pump-07'] }),
    device: z
      .string()
      .regex(IDS.device)
      .optional()
      .meta({ en: 'device that it gets', zh: '要绑定的设备', examples: ['pump-07-plc'] }),
    centre: z
      .string()
      .regex(IDS.centre)
      .optional()
      .meta({
        en: 'centre that it speaks for from now on',
        zh: '此后所代表的治理中心',
        examples: ['500112001'],
      }),
    reason: z
      .string()
      .min(1)
      .max(200)
      .meta({ en: 'why; stands in the record', zh: '理由，写入审计记录', examples: ['moved to the new box'] }),
  })
  .refine(
    ({ device, centre }) => (device === undefined) !== (centre === undefined),
    settingIssue('give either device or centre', 'device 与 centre 二选一'),
  );

export const BINDING_EXAMPLE: BindingView = {
  device: 'pump-07-plc',
  edges: ['pump-07'],
  configured: false,
  foreign: [{ edge: 'gate-02', count: 12 }],
};
export const BIND_RESULT_EXAMPLE: BindResultView = { device: 'pump-07-plc', edge: 'gate-02', before: ['pump-07'], taken: 12 };
export const BIND_BODY_EXAMPLE: z.input<typeof BIND_BODY> = { device: 'pump-07-plc', edge: 'pump-07', reason: 'moved to the new box' };
