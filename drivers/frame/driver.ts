/** Devices with a private protocol described in a file: compound terminals, instruments, vendors' boxes. What the device is, as data. */
import { defineDriver } from '../../core/driver.ts';
import { checkTogether } from './check-together.ts';
import { decode } from './decode.ts';
import { frameReader } from './frame-reader.ts';
import { readableFields } from './frame.ts';
import { open } from './link.ts';
import { loadDescription } from './load-description.ts';
import { recording } from './recording.ts';
import { point, settings } from './settings.ts';
import { examine } from './examine.ts';
import { discover } from './discover.ts';
import { probe } from './probe.ts';

export default defineDriver({
  id: 'frame',
  title: { zh: '私有协议设备（以文件描述帧格式）', en: 'Devices with private protocols (frames described in a file)' },
  settings,
  point,
  traits: ['listens', 'probes', 'discovers'],
  pointDefaults({ read }, own) {
    const field = fieldOf(own?.description, read);
    if (!field) return {};
    return {
      ...(field.unit === null ? {} : { unit: field.unit }),
      ...(field.kind === null ? {} : { kind: field.kind }),
      ...(field.indicator === null ? {} : { indicator: field.indicator }),
    };
  },
  // `examine` reports a missing description or field.
  unitless: ({ read }, own) => fieldOf(own?.description, read)?.isText ?? true,
  open, decode, probe, discover, examine, checkTogether, frameReader, recording,
});

function fieldOf(description: string | undefined, read: string) {
  const protocol = description === undefined ? null : loadDescription(description).protocol;
  return protocol ? readableFields(protocol).get(read) : undefined;
}
