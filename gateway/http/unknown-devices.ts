/** Devices that spoke and that nobody configured. Apart from the devices: they have no id of ours, no state, no values. */
import { z } from 'zod';
import { after, NO_PARAMS, pageByText, pageLimit, query, route } from './route.ts';
import { pageOf } from '../../api/fields.ts';
import { UNKNOWN_DEVICE_EXAMPLE, UnknownDeviceView } from '../../api/unknown-devices.ts';

export const UNKNOWN_DEVICES_ROUTE = route({
  method: 'GET',
  path: '/api/v1/unknown-devices',
  needs: 'read',
  summary: {
    zh: '发来数据但未配置的设备，含最初的字节和接入所需的配置',
    en: 'devices that spoke and that nobody configured, with their first bytes and the lines that take them in',
  },
  query: query({
    limit: pageLimit(1000, 200),
    after: after(),
    edge: z
      .string()
      .max(64)
      .optional()
      .meta({ en: 'of this edge', zh: '仅此边缘节点', examples: ['pump-07'] }),
  }),
  params: NO_PARAMS,
  answer: pageOf(UnknownDeviceView),
  example: { items: [UNKNOWN_DEVICE_EXAMPLE], next: null },
  faults: [],
  handle({ sources, sees, query: asked }) {
    const wanted = sources.unknownDevices().filter(({ edge, centre }) => sees(centre) && (asked.edge === undefined || edge === asked.edge));
    return pageByText(wanted, asked.limit, asked.after, ({ edge, driver, address, id }) => [edge, driver, address, id].join(' '));
  },
});
