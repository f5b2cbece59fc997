/** Routes of devices and their pictures. */
import { z } from 'zod';
import { DEVICE_EXAMPLE, DeviceView, FRESHNESS } from '../../api/devices.ts';
import { pageOf } from '../../api/fields.ts';
import { PICTURE_EXAMPLE, PictureView } from '../../api/pictures.ts';
import { FaultError } from '../../core/faults.ts';
import { recorded } from './recorded.ts';
import { after, filter, idParam, MAX_PAGE, NO_PARAMS, pageByText, pageLimit, query, route, unknownId, type Route } from './route.ts';

const DEVICE_ID = idParam('the device', '设备', DEVICE_EXAMPLE.id);

export const DEVICE_ROUTES: Route[] = [
  route({
    method: 'GET',
    path: '/api/v1/devices',
    needs: 'read',
    summary: { zh: '设备及其状态和最新值', en: 'devices with state and newest values' },
    query: query({
      limit: pageLimit(MAX_PAGE, 200),
      after: after(),
      edge: filter(z.string().max(64), 'of this edge', '仅此边缘节点', 'pump-07'),
      centre: filter(z.string().max(12), 'of this centre', '仅此中心', '500112001'),
      freshness: filter(z.enum(FRESHNESS), 'in this state', '仅此状态', 'lost'),
    }),
    params: NO_PARAMS,
    answer: pageOf(DeviceView),
    example: { items: [DEVICE_EXAMPLE], next: null },
    faults: [],
    handle({ sources, sees, query: asked }) {
      const wanted = sources
        .devices()
        .filter((device) => sees(device.centre))
        .filter(
          (device) =>
            (asked.edge ?? device.edge) === device.edge &&
            (asked.centre ?? device.centre) === device.centre &&
            (asked.freshness ?? device.freshness) === device.freshness,
        );
      return pageByText(wanted, asked.limit, asked.after, (device) => device.id);
    },
  }),
  route({
    method: 'GET', path: '/api/v1/devices/:id', needs: 'read', summary: { zh: '单个设备', en: 'one device' },
    query: query({}), params: DEVICE_ID, answer: DeviceView, example: DEVICE_EXAMPLE, faults: ['CV_API_UNKNOWN_ID'],
    handle({ sources, sees, params }) {
      const device = sources.device(params.id);
      if (!device || !sees(device.centre)) throw unknownDevice(params.id);
      return device;
    },
  }),
  route({
    method: 'GET', path: '/api/v1/devices/:id/picture', needs: 'read_evidence',
    summary: { zh: '摄像机最新画面及检测框', en: 'newest picture of a camera with its boxes' },
    query: query({}), params: DEVICE_ID, answer: PictureView, example: PICTURE_EXAMPLE, faults: ['CV_API_UNKNOWN_ID', 'CV_API_NO_PICTURE'],
    async handle(call) {
      const { sources, sees, params } = call;
      const device = sources.device(params.id);
      if (!device || !sees(device.centre)) throw unknownDevice(params.id);
      const picture = await sources.picture(params.id);
      if (!picture) throw new FaultError('CV_API_NO_PICTURE', { device: params.id });
      return recorded(call, { kind: 'evidence_read', what: `picture ${params.id}`, centre: device.centre }, () => picture);
    },
  }),
];

const unknownDevice = (id: string) => unknownId({ en: 'device', zh: '设备' }, id, '/api/v1/devices');
