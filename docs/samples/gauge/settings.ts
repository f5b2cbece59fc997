/** Settings of the gauge. */
import { z } from 'zod';
import { host } from '../../../core/config/address.ts';

export const settings = z.object({
  host: host().meta({ zh: '串口服务器地址', en: 'Address of the serial server', examples: ['192.168.1.40'] }),
  port: z.int().min(1).max(65_535).default(4001).meta({ zh: '串口服务器端口', en: 'Its port' }),
  unit: z.int().min(1).max(99).default(1).meta({ zh: '仪表地址', en: 'Address of the gauge on its line' }),
});
export type GaugeSettings = z.infer<typeof settings>;
