/** A camera, or a video file in its place: what the device is, as data. Its pictures become samples in the edge's infer station. */
import { defineDriver } from '../../core/driver.ts';
import { scenePoints } from '../../scene/points.ts';
import { resolveSettings } from './resolve-settings.ts';
import { decode } from './decode.ts';
import { examine } from './examine.ts';
import { probe } from './probe.ts';
import { open } from './link.ts';
import { settings, silenceMsOf } from './settings.ts';
import { liveSource } from './live-source.ts';

export default defineDriver({
  id: 'camera',
  title: { zh: '摄像机', en: 'Camera' },
  settings,
  traits: ['frames', 'probes'],
  points: {
    persons: { zh: '画面中的人数', en: 'People in the picture', unit: '{person}', range: [0, 1000], indicator: 'SH-CRD-003' },
    vehicles: { zh: '画面中的车辆数', en: 'Vehicles in the picture', unit: '{vehicle}', range: [0, 1000], indicator: 'SS-TRF-004' },
    occupancy: {
      zh: '画面被人和车辆占据的比例',
      en: 'Share of the picture that people and vehicles cover',
      unit: '%',
      range: [0, 100],
      indicator: 'SH-CRD-004',
    },
    video: {
      zh: '画面质量：good 或诊断结果',
      en: 'Whether the pictures can be relied on: good, or what is wrong',
      unit: '',
      indicator: 'SS-COM-901',
    },
  },
  derivedPoints: scenePoints,
  // While nothing moves it may give a picture a second, and fewer where few are wanted.
  quietMs: silenceMsOf,
  open, decode, resolveSettings, examine, probe, liveSource,
  recording: {
    level: 'frames',
    above: { en: 'a picture is named by its file, number and time; its bytes are the file\'s', zh: '画面以文件、序号和时间标识，字节即文件本身' },
    line: ({ index, ptsMs }) => ({ index, ptsMs }),
  },
});
