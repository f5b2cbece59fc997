/**
 * The publish loop of one subscription (OPC 10000-4, 5.14): some requests are always outstanding, messages are handed on
 * in sequence, missing ones are republished, and each is acknowledged only after it was handed on.
 */
import {
  DataChangeNotification,
  PublishRequest,
  RepublishRequest,
  StatusChangeNotification,
  type ExtensionObject,
  type NotificationMessage,
  type PublishResponse,
} from 'node-opcua-client';
import type { Clock, Timer } from '../../core/world.ts';
import type { ValueReceiver } from './value-receiver.ts';
import type { ResumableSubscription } from './resume-state.ts';
import { publish, republish, type RawSession } from './raw-session.ts';
import { statusNameOf } from './status-name.ts';
import { validTimeMs } from './value.ts';

/** One in transit, one at the server, one spare. */
const OUTSTANDING = 3;
const LAST_SEQUENCE = 0xffffffff;
/** More missing messages than a server can queue: the numbering is broken. */
const MAX_MISSING = 10_000;

export interface PublishCallbacks {
  /** A keep-alive was received. */
  alive(): void;
  /** The subscription was lost, or the server does not answer. */
  lost(detail: string): void;
}

export class PublishLoop {
  readonly #session: RawSession;
  readonly #subscription: ResumableSubscription;
  readonly #receiver: ValueReceiver;
  readonly #clock: Clock;
  readonly #callbacks: PublishCallbacks;
  #acknowledgements: number[] = [];
  #handling: Promise<void> = Promise.resolve();
  #running = 0;
  #stopped = false;
  #watchdog: Timer | null = null;

  constructor(
    session: RawSession,
    subscription: ResumableSubscription,
    receiver: ValueReceiver,
    clock: Clock,
    callbacks: PublishCallbacks,
  ) {
    this.#session = session;
    this.#subscription = subscription;
    this.#receiver = receiver;
    this.#clock = clock;
    this.#callbacks = callbacks;
  }

  /** Takes the messages sent during the disconnect. @returns false when the subscription no longer exists */
  async catchUp(): Promise<boolean> {
    for (;;) {
      const outcome = await this.#republish(next(this.#subscription.sequence));
      if (outcome === 'no-subscription') return false;
      if (outcome === 'not-there' || this.#stopped) return true;
    }
  }

  start(): void {
    this.#resetWatchdog();
    for (let at = 0; at < OUTSTANDING; at += 1) void this.#loop();
  }

  stop(): void {
    this.#stopped = true;
    this.#watchdog?.cancel();
  }

  async #loop(): Promise<void> {
    this.#running += 1;
    try {
      while (!this.#stopped) {
        const acknowledged = this.#acknowledgements;
        this.#acknowledgements = [];
        const request = new PublishRequest({
          // The watchdog detects a dead server; the request itself may wait.
          requestHeader: { timeoutHint: this.#subscription.aliveMs * (OUTSTANDING + 1) },
          subscriptionAcknowledgements: acknowledged.map((sequenceNumber) => ({ subscriptionId: this.#subscription.id, sequenceNumber })),
        });
        const response = await publish(this.#session, request);
        // Responses are handled in order, also when one has to republish a missing message first.
        this.#handling = this.#handling.then(() => this.#handleResponse(response));
        await this.#handling;
      }
    } catch (error) {
      if (this.#stopped) return;
      const status = statusNameOf(error);
      if (status === 'BadTooManyPublishRequests' && this.#running > 1) return;
      this.stop();
      this.#callbacks.lost(status ?? (error instanceof Error ? error.message : String(error)));
    } finally {
      this.#running -= 1;
    }
  }

  async #handleResponse(response: PublishResponse): Promise<void> {
    if (this.#stopped) return;
    if (response.subscriptionId !== this.#subscription.id) {
      // Left by a link that was lost before the host listened.
      await this.#session.deleteSubscriptions({ subscriptionIds: [response.subscriptionId] });
      return;
    }
    this.#resetWatchdog();
    const [nowMs, serverAt] = [this.#clock.nowMs(), validTimeMs(response.responseHeader.timestamp)];
    this.#receiver.updateClock(nowMs, serverAt);
    const message = response.notificationMessage;
    const isKeepAlive = (message.notificationData ?? []).length === 0;
    // A keep-alive has the number of the next message.
    const missing = distance(next(this.#subscription.sequence), message.sequenceNumber);
    if (missing > 0 && missing <= MAX_MISSING) {
      for (let sequence = next(this.#subscription.sequence); sequence !== message.sequenceNumber; sequence = next(sequence)) {
        if (this.#stopped) return;
        if ((await this.#republish(sequence)) === 'taken') continue;
        this.#receiver.reportLostMessages(this.#clock.nowMs());
        this.#subscription.sequence = sequence;
      }
    }
    if (this.#stopped) return;
    if (!isKeepAlive) {
      const isNew = message.sequenceNumber === next(this.#subscription.sequence) || missing > MAX_MISSING;
      if (!isNew || this.#handOn(message)) this.#acknowledgements.push(message.sequenceNumber);
    }
    if (!response.moreNotifications) {
      this.#receiver.confirmUnchanged();
      this.#receiver.confirmContact(nowMs, serverAt);
    }
    if (isKeepAlive) this.#callbacks.alive();
  }

  async #republish(retransmitSequenceNumber: number): Promise<'taken' | 'not-there' | 'no-subscription'> {
    try {
      const { notificationMessage } = await republish(
        this.#session,
        new RepublishRequest({ subscriptionId: this.#subscription.id, retransmitSequenceNumber }),
      );
      if (this.#handOn(notificationMessage)) this.#acknowledgements.push(notificationMessage.sequenceNumber);
      return 'taken';
    } catch (error) {
      const status = statusNameOf(error);
      if (status === 'BadSubscriptionIdInvalid' || status === 'BadNoSubscription' || status === 'BadSessionIdInvalid')
        return 'no-subscription';
      if (status === 'BadMessageNotAvailable' || status === 'BadServiceUnsupported' || status === 'BadNotImplemented') return 'not-there';
      throw error;
    }
  }

  /** @returns false when the link was lost meanwhile: the message is left to the next link */
  #handOn(message: NotificationMessage): boolean {
    for (const data of message.notificationData ?? []) this.#handleNotification(data);
    if (this.#stopped) return false;
    this.#subscription.sequence = message.sequenceNumber;
    return true;
  }

  #handleNotification(data: ExtensionObject | null): void {
    if (data instanceof DataChangeNotification) {
      for (const { clientHandle, value } of data.monitoredItems ?? []) this.#receiver.receiveValue(clientHandle, value);
    } else if (data instanceof StatusChangeNotification) {
      this.stop();
      this.#callbacks.lost(`subscription: ${data.status.name}`);
    }
  }

  #resetWatchdog(): void {
    this.#watchdog?.cancel();
    if (this.#stopped) return;
    const { aliveMs } = this.#subscription;
    this.#watchdog = this.#clock.after(aliveMs, () => {
      this.stop();
      this.#callbacks.lost(`no keep-alive for ${aliveMs} ms`);
    });
  }
}

/** Numbers wrap around to 1; 0 is not used. */
const next = (sequence: number): number => (sequence === LAST_SEQUENCE ? 1 : sequence + 1);

/** Number of messages from one number to another; 0 for a number that was passed already. */
function distance(from: number, to: number): number {
  const ahead = to >= from ? to - from : LAST_SEQUENCE - from + to;
  return ahead > LAST_SEQUENCE / 2 ? 0 : ahead;
}
