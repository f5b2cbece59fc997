/** A level gauge behind a serial server. What the device is, as data. */
import { z } from 'zod';
import { host } from '../../../core/config/address.ts';
import { defineDriver } from '../../../core/driver.ts';
import { decode, frameReader, type Ask } from './decode.ts';
import { open } from './link.ts';
import { recording } from './recording.ts';

const settings = z.object({
  host: host().meta({ zh: '串口服务器地址', en: 'Address of the serial server', examples: ['192.168.1.40'] }),
  port: z.int().min(1).max(65_535).default(4001).meta({ zh: '串口服务器端口', en: 'Its port' }),
  unit: z.int().min(1).max(99).default(1).meta({ zh: '仪表地址', en: 'Address of the gauge on its line' }),
});
export type GaugeSettings = z.infer<typeof settings>;

export default defineDriver({
  id: 'gauge',
  title: { zh: '示例液位计', en: 'A level gauge, as an example' },
  settings,
  traits: ['polled'],
  points: {
    level: { zh: '液位', en: 'Level', unit: 'm', range: [0, 20], indicator: 'YJ-FLD-001' },
    temperature: { zh: '水温', en: 'Water temperature', unit: 'Cel', range: [-20, 80], indicator: 'ST-WAT-001' },
  },
  // One exchange gives both. 一问得两值。
  requests: (points, { unit }): Ask[] => (points.length === 0 ? [] : [{ points: points.map(({ id }) => id), unit }]),
  // Gauges on one line take turns. 同一串口上的仪表轮流询问。
  bus: (own) => `${own.host}:${own.port}`,
  open, decode, frameReader, recording,
});
