/** Devices with a private protocol that a file describes: compound terminals, instruments, vendors' boxes. What the device is, as data. */
import { defineDriver } from '../../core/driver.ts';
import { beside } from './beside.ts';
import { decode } from './decode.ts';
import { frameReader } from './frame-reader.ts';
import { fieldsOf } from './frame.ts';
import { open } from './link.ts';
import { loadDescription } from './load.ts';
import { recording } from './recording.ts';
import { point, settings } from './settings.ts';
import { discover, examine, probe } from './survey.ts';

export default defineDriver({
  id: 'frame',
  title: { zh: '私有协议设备（以文件描述帧格式）', en: 'Devices with private protocols (frames described in a file)' },
  settings,
  point,
  traits: ['listens', 'probes', 'discovers'],
  known({ read }, own) {
    const field = fieldOf(own?.description, read);
    if (!field) return {};
    return { ...(field.unit === null ? {} : { unit: field.unit }), ...(field.kind === null ? {} : { kind: field.kind }), ...(field.indicator === null ? {} : { indicator: field.indicator }) };
  },
  // Of a description or a field that is not there `examine` says more.
  unitless: ({ read }, own) => fieldOf(own?.description, read)?.isText ?? true,
  open, decode, probe, discover, examine, beside, frameReader, recording,
});

function fieldOf(description: string | undefined, read: string) {
  const protocol = description === undefined ? null : loadDescription(description).protocol;
  return protocol ? fieldsOf(protocol).get(read) : undefined;
}
