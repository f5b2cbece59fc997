/** Events as consumers get them, by MQTT and from the API alike: in the catalogue's unit, with what was sent beside. */
import type { Event } from '../../core/event.ts';
import type { Original, PublishedEvent } from '../../core/wire/published.ts';
import type { Normaliser } from './catalogue.ts';

/**
 * What store and rules see of an event, as an event. One that came in the catalogue's unit, or whose indicator nobody
 * knows, is given back as it is: that is the usual, and costs a look-up.
 */
export function toPublished(event: Event, normal: Normaliser): PublishedEvent {
  const wanted = normal.unitOf(event.indicator);
  if (wanted === null || wanted === event.unit) return event;
  const { value, unit, window, quality, flags } = normal(event);
  const published: PublishedEvent = { ...event, value, unit, quality };
  if (window) published.window = window;
  if (flags.length > 0) published.flags = [...flags];
  // No way from the one to the other: value and unit are the sender's own, and the flag says so.
  if (unit !== event.unit) published.original = originalOf(event);
  return published;
}

function originalOf({ value, unit, window }: Event): Original {
  return {
    value,
    unit,
    ...(window?.min === undefined ? {} : { min: window.min }),
    ...(window?.max === undefined ? {} : { max: window.max }),
  };
}
