/**
 * The session's own services, one call each. Subscriptions are kept by hand (publishing.ts) and not by the library's
 * ClientSubscription: that one lives and dies with its client, while ours has to go on over the next link.
 */
import type { ClientSession, ClientSessionPublishService, ClientSessionRawSubscriptionService, ClientSessionWriteService, PublishRequest, PublishResponse, RepublishRequest, RepublishResponse, TransferSubscriptionsRequest, TransferSubscriptionsResponse } from 'node-opcua-client';

export type RawSession = ClientSession & ClientSessionRawSubscriptionService & ClientSessionPublishService & ClientSessionWriteService;

/** The library's sessions have these services; its public type leaves some of them out. */
export const rawSession = (session: ClientSession): RawSession => session as RawSession;

export function publish(session: RawSession, request: PublishRequest): Promise<PublishResponse> {
  return new Promise((resolve, reject) => {
    session.publish(request, (error, response) => { if (response && !error) resolve(response); else reject(error ?? new Error('no answer')); });
  });
}

export function republish(session: RawSession, request: RepublishRequest): Promise<RepublishResponse> {
  return new Promise((resolve, reject) => {
    session.republish(request, (error, response) => { if (response && !error) resolve(response); else reject(error ?? new Error('no answer')); });
  });
}

export function transferSubscriptions(session: RawSession, request: TransferSubscriptionsRequest): Promise<TransferSubscriptionsResponse> {
  return new Promise((resolve, reject) => {
    session.transferSubscriptions(request, (error, response) => { if (response && !error) resolve(response); else reject(error ?? new Error('no answer')); });
  });
}
