/** The gauge of the guide, set to send by itself: only its link and its recording are others. */
import { defineDriver } from '../../../core/driver.ts';
import type { BytesRecording } from '../../../core/recording.ts';
import { decode, frameReader } from '../gauge/decode.ts';
import { recording as ofPolled } from '../gauge/recording.ts';
import { settings, type GaugeSettings } from '../gauge/settings.ts';
import { open } from './link.ts';

const { cut, seal } = ofPolled;
const recording: BytesRecording<GaugeSettings, { id: string }, never> = {
  level: 'bytes',
  cut,
  ...(seal ? { seal } : {}),
  notes: () => ({ role: 'speaks' }),
};

export default defineDriver({
  id: 'sending-gauge',
  title: { zh: '主动发送的示例液位计', en: 'A level gauge that sends by itself, as an example' },
  settings,
  traits: ['listens'],
  points: {
    level: { zh: '液位', en: 'Level', unit: 'm', range: [0, 20], indicator: 'YJ-FLD-001' },
    temperature: { zh: '水温', en: 'Water temperature', unit: 'Cel', range: [-20, 80], indicator: 'ST-WAT-001' },
  },
  open, decode, frameReader, recording,
});
