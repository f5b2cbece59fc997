/**
 * The publish loop of one subscription (OPC 10000-4, 5.14): a few requests always with the server, messages in order of
 * their numbers, missing ones asked for again, each acknowledged only after it was handed on.
 */
import { DataChangeNotification, PublishRequest, RepublishRequest, StatusChangeNotification, type ExtensionObject, type NotificationMessage, type PublishResponse } from 'node-opcua-client';
import type { Clock, Timer } from '../../core/world.ts';
import type { Intake } from './intake.ts';
import type { LeftSubscription } from './memory.ts';
import { publish, republish, type RawSession } from './raw-session.ts';
import { statusNameOf } from './status-of.ts';
import { timeOf } from './value.ts';

/** One on its way, one with the server, one to spare. */
const OUTSTANDING = 3;
const LAST_SEQUENCE = 0xffffffff;
/** More missing messages than a server can hold back: the numbering has gone astray. */
const MOST_MISSING = 10_000;

export interface PublishingEnds {
  /** The server has said that it lives and has nothing to tell. */
  alive(): void;
  /** The subscription is gone, or nobody answers. */
  lost(detail: string): void;
}

export class Publishing {
  readonly #session: RawSession;
  readonly #left: LeftSubscription;
  readonly #intake: Intake;
  readonly #clock: Clock;
  readonly #ends: PublishingEnds;
  #acknowledgements: number[] = [];
  #handling: Promise<void> = Promise.resolve();
  #running = 0;
  #stopped = false;
  #watch: Timer | null = null;

  constructor(session: RawSession, left: LeftSubscription, intake: Intake, clock: Clock, ends: PublishingEnds) {
    this.#session = session;
    this.#left = left;
    this.#intake = intake;
    this.#clock = clock;
    this.#ends = ends;
  }

  /** Takes what the server sent while nobody could hear it. @returns false when it has no such subscription any more */
  async catchUp(): Promise<boolean> {
    for (;;) {
      const outcome = await this.#askAgain(next(this.#left.sequence));
      if (outcome === 'no-subscription') return false;
      if (outcome === 'not-there' || this.#stopped) return true;
    }
  }

  start(): void {
    this.#heard();
    for (let at = 0; at < OUTSTANDING; at += 1) void this.#loop();
  }

  stop(): void {
    this.#stopped = true;
    this.#watch?.cancel();
  }

  async #loop(): Promise<void> {
    this.#running += 1;
    try {
      while (!this.#stopped) {
        const acknowledged = this.#acknowledgements;
        this.#acknowledgements = [];
        const request = new PublishRequest({
          // The watch says when the server is dead; the request itself may wait.
          requestHeader: { timeoutHint: this.#left.aliveMs * (OUTSTANDING + 1) },
          subscriptionAcknowledgements: acknowledged.map((sequenceNumber) => ({ subscriptionId: this.#left.id, sequenceNumber })),
        });
        const response = await publish(this.#session, request);
        // Answers come in order, and are handled in it, also when one of them has to ask for a missing one first.
        this.#handling = this.#handling.then(() => this.#take(response));
        await this.#handling;
      }
    } catch (error) {
      if (this.#stopped) return;
      const status = statusNameOf(error);
      if (status === 'BadTooManyPublishRequests' && this.#running > 1) return;
      this.stop();
      this.#ends.lost(status ?? (error instanceof Error ? error.message : String(error)));
    } finally {
      this.#running -= 1;
    }
  }

  async #take(response: PublishResponse): Promise<void> {
    if (this.#stopped) return;
    if (response.subscriptionId !== this.#left.id) {
      // Begun by a link that broke before anybody listened: nobody will.
      await this.#session.deleteSubscriptions({ subscriptionIds: [response.subscriptionId] });
      return;
    }
    this.#heard();
    const [nowMs, serverAt] = [this.#clock.nowMs(), timeOf(response.responseHeader.timestamp)];
    this.#intake.clocked(nowMs, serverAt);
    const message = response.notificationMessage;
    const isKeepAlive = (message.notificationData ?? []).length === 0;
    // A keep-alive bears the number that the next message will have.
    const missing = distance(next(this.#left.sequence), message.sequenceNumber);
    if (missing > 0 && missing <= MOST_MISSING) {
      for (let sequence = next(this.#left.sequence); sequence !== message.sequenceNumber; sequence = next(sequence)) {
        if (this.#stopped) return;
        if ((await this.#askAgain(sequence)) === 'taken') continue;
        this.#intake.lostMessages(this.#clock.nowMs());
        this.#left.sequence = sequence;
      }
    }
    if (this.#stopped) return;
    if (!isKeepAlive) {
      const isNew = message.sequenceNumber === next(this.#left.sequence) || missing > MOST_MISSING;
      if (!isNew || this.#hand(message)) this.#acknowledgements.push(message.sequenceNumber);
    }
    if (!response.moreNotifications) {
      this.#intake.caughtUp();
      this.#intake.heard(nowMs, serverAt);
    }
    if (isKeepAlive) this.#ends.alive();
  }

  async #askAgain(retransmitSequenceNumber: number): Promise<'taken' | 'not-there' | 'no-subscription'> {
    try {
      const { notificationMessage } = await republish(this.#session, new RepublishRequest({ subscriptionId: this.#left.id, retransmitSequenceNumber }));
      if (this.#hand(notificationMessage)) this.#acknowledgements.push(notificationMessage.sequenceNumber);
      return 'taken';
    } catch (error) {
      const status = statusNameOf(error);
      if (status === 'BadSubscriptionIdInvalid' || status === 'BadNoSubscription' || status === 'BadSessionIdInvalid') return 'no-subscription';
      if (status === 'BadMessageNotAvailable' || status === 'BadServiceUnsupported' || status === 'BadNotImplemented') return 'not-there';
      throw error;
    }
  }

  /** @returns false when the link broke meanwhile: then the message is the next link's */
  #hand(message: NotificationMessage): boolean {
    for (const data of message.notificationData ?? []) this.#notified(data);
    if (this.#stopped) return false;
    this.#left.sequence = message.sequenceNumber;
    return true;
  }

  #notified(data: ExtensionObject | null): void {
    if (data instanceof DataChangeNotification) {
      for (const { clientHandle, value } of data.monitoredItems ?? []) this.#intake.value(clientHandle, value);
    } else if (data instanceof StatusChangeNotification) {
      this.stop();
      this.#ends.lost(`subscription: ${data.status.name}`);
    }
  }

  #heard(): void {
    this.#watch?.cancel();
    if (this.#stopped) return;
    const { aliveMs } = this.#left;
    this.#watch = this.#clock.after(aliveMs, () => {
      this.stop();
      this.#ends.lost(`no sign of life for ${aliveMs} ms`);
    });
  }
}

/** Numbers begin at 1 again after the last; 0 is none. */
const next = (sequence: number): number => (sequence === LAST_SEQUENCE ? 1 : sequence + 1);

/** How many messages lie from one number to another; a number that has been passed already gives 0. */
function distance(from: number, to: number): number {
  const ahead = to >= from ? to - from : LAST_SEQUENCE - from + to;
  return ahead > LAST_SEQUENCE / 2 ? 0 : ahead;
}
