/** A level gauge behind a serial server. What the device is, as data. */
import { defineDriver } from '../../../core/driver.ts';
import { decode, frameReader, type GaugeRequest } from './decode.ts';
import { open } from './link.ts';
import { recording } from './recording.ts';
import { settings } from './settings.ts';

export default defineDriver({
  id: 'gauge',
  title: { zh: '示例液位计', en: 'A level gauge, as an example' },
  settings,
  traits: ['polled'],
  points: {
    level: { zh: '液位', en: 'Level', unit: 'm', range: [0, 20], indicator: 'YJ-FLD-001' },
    temperature: { zh: '水温', en: 'Water temperature', unit: 'Cel', range: [-20, 80], indicator: 'ST-WAT-001' },
  },
  // One exchange reads both. 一次请求得到两个值。
  requests: (points, { unit }): GaugeRequest[] => (points.length === 0 ? [] : [{ points: points.map(({ id }) => id), unit }]),
  // Gauges on one line are polled in turn. 同一串口上的仪表逐个采集。
  bus: (own) => `${own.host}:${own.port}`,
  open, decode, frameReader, recording,
});
