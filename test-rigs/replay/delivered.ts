/** Hands a picture to somebody and knows when it is done with: then all that was seen in it has been given. */
import type { Picture } from '../../core/driver.ts';

export function recordDeliveries(picture: Picture): { picture: Picture; done: Promise<void> } {
  let over = () => {};
  const done = new Promise<void>((resolve) => { over = resolve; });
  const hold = () => {
    const release = picture.hold?.();
    return () => {
      release?.();
      over();
    };
  };
  return { picture: { ...picture, hold }, done };
}
