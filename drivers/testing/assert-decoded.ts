/** What `decode` may return, whatever the frame is. */
import assert from 'node:assert/strict';
import type { Decoded, Driver, PointOf, Request } from '../../core/driver.ts';
import { FLAGS, QUALITIES } from '../../core/event.ts';
import { explain, FAULTS } from '../../core/faults.ts';

/** Values of the driver's points with quality and flags of the closed lists, a picture, or a fault with a complete text. */
export function assertDecoded(
  driver: Driver,
  decoded: Decoded,
  request: Request | undefined,
  points: readonly PointOf<unknown>[] | null,
): void {
  const known = request?.points ?? points?.map(({ id }) => id) ?? (driver.points ? Object.keys(driver.points) : null);
  if (!decoded.ok) {
    assert.ok(decoded.fault.code in FAULTS, decoded.fault.code);
    for (const language of ['en', 'zh-CN'] as const)
      assert.doesNotMatch(explain(decoded.fault, language).message, /\{(?!device|point|address)\w+\}/);
    return;
  }
  if (decoded.picture) {
    const { yuv, width, height } = decoded.picture;
    return assert.equal(yuv.length, (width * height * 3) / 2);
  }
  for (const one of decoded.values) {
    if (known && request) assert.ok(known.includes(one.point), `${one.point} was not requested`);
    assert.ok(
      ['number', 'boolean', 'string'].includes(typeof one.value) || (one.value === null && one.quality === 'bad'),
      `${one.point} = ${String(one.value)}`,
    );
    assert.ok(one.quality === undefined || QUALITIES.includes(one.quality));
    for (const flag of one.flags ?? []) assert.ok(FLAGS.includes(flag), flag);
    if (one.fault) assert.ok(one.fault.code in FAULTS);
    if (one.deviceAt !== undefined) assert.ok(Number.isFinite(one.deviceAt));
  }
}
