/**
 * The services of a session, one call each. Subscriptions are managed here (publish-loop.ts) and not by the library's
 * ClientSubscription, which ends with its client, while ours continues over the next link.
 */
import type {
  ClientSession,
  ClientSessionPublishService,
  ClientSessionRawSubscriptionService,
  ClientSessionWriteService,
  PublishRequest,
  PublishResponse,
  RepublishRequest,
  RepublishResponse,
  TransferSubscriptionsRequest,
  TransferSubscriptionsResponse,
} from 'node-opcua-client';

export type RawSession = ClientSession & ClientSessionRawSubscriptionService & ClientSessionPublishService & ClientSessionWriteService;

/** The library's sessions have these services; its public type lacks some of them. */
export const rawSession = (session: ClientSession): RawSession => session as RawSession;

export function publish(session: RawSession, request: PublishRequest): Promise<PublishResponse> {
  return new Promise((resolve, reject) => {
    session.publish(request, (error, response) => {
      if (response && !error) resolve(response);
      else reject(error ?? new Error('no answer'));
    });
  });
}

export function republish(session: RawSession, request: RepublishRequest): Promise<RepublishResponse> {
  return new Promise((resolve, reject) => {
    session.republish(request, (error, response) => {
      if (response && !error) resolve(response);
      else reject(error ?? new Error('no answer'));
    });
  });
}

export function transferSubscriptions(session: RawSession, request: TransferSubscriptionsRequest): Promise<TransferSubscriptionsResponse> {
  return new Promise((resolve, reject) => {
    session.transferSubscriptions(request, (error, response) => {
      if (response && !error) resolve(response);
      else reject(error ?? new Error('no answer'));
    });
  });
}
