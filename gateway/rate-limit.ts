/** So many of a kind a minute, by whoever asks. */
export { RateLimit } from '../core/rate-limit.ts';
