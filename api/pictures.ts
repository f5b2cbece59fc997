/** The newest picture of a camera, and pictures as files that go with events. */
import { z } from 'zod';
import type { Snapshot } from '../core/event.ts';
import { PICTURE_SCHEMA } from '../core/wire/commands.ts';
import { component } from './component.ts';
import { EXAMPLE_AT } from './example-values.ts';

/** As an edge answers a snapshot, but that of a newer edge may have more fields. */
export const PictureView = component(
  'Picture',
  'newest picture of a camera; boxes in fractions of it',
  '摄像机最新画面；检测框按画面比例',
  PICTURE_SCHEMA.extend({ boxes: z.array(PICTURE_SCHEMA.shape.boxes.element.strip()) }).strip(),
);
export type PictureView = z.infer<typeof PictureView>;

export const PICTURE_EXAMPLE: PictureView = {
  device: 'gate-cam', at: EXAMPLE_AT, index: 250, width: 768, height: 576, jpegBase64: '/9j/4AAQSkZJRg==',
  boxes: [{ class: 'person', score: 0.82, x: 0.41, y: 0.33, width: 0.06, height: 0.21 }],
};

export const SNAPSHOT_EXAMPLE: Snapshot = {
  kind: 'snapshot',
  sha256: '9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08',
  mime: 'image/jpeg',
  bytes: 48_211,
  width: 640,
  height: 480,
  variant: 'annotated',
  frame: 250,
  model: 'centernet-320',
  blurred: true,
};
