/** A device that spoke to an edge and that nobody configured: what names it, what it said first, and the lines that take it in. */
import { z } from 'zod';
import { UNKNOWN_DEVICE_SCHEMA } from '../core/wire/schemas.ts';
import { component } from './component.ts';
import { EXAMPLE_AT } from './example-values.ts';

export const UnknownDeviceView = component(
  'UnknownDevice', 'a device that spoke to an edge and that nobody configured; times by its edge\'s clock', '向边缘节点发来数据但未配置的设备；时间以边缘时钟计',
  z.object({
    edge: z.string(),
    centre: z.string(),
    ...UNKNOWN_DEVICE_SCHEMA.shape,
  }),
);
export type UnknownDeviceView = z.infer<typeof UnknownDeviceView>;

export const UNKNOWN_DEVICE_EXAMPLE: UnknownDeviceView = {
  edge: 'pump-07',
  centre: '500112001',
  driver: 'hj212',
  address: '0.0.0.0:8212',
  id: '88888880000001',
  peer: '10.20.0.9:40112',
  said: { hex: '2323303131325354', text: '##0112ST' },
  yaml: '- id: hj212-88888880000001\n  driver: hj212\n  settings:\n    listen: 0.0.0.0:8212\n    mn: "88888880000001"\n',
  count: 12,
  firstAt: EXAMPLE_AT - 60_000,
  lastAt: EXAMPLE_AT,
};
