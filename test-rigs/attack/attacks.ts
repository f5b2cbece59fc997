/** In this order; one that breaks what it attacks is followed by a fresh gateway and edge. */
import certificatesThatDoNotCount from './attacks/certificates-that-do-not-count.ts';
import clientIdOfAnother from './attacks/client-id-of-another.ts';
import clockOfABox from './attacks/clock-of-a-box.ts';
import codeUsedTwice from './attacks/code-used-twice.ts';
import commandsOfOthers from './attacks/commands-of-others.ts';
import cookieOfAnotherGateway from './attacks/cookie-of-another-gateway.ts';
import dataFolders from './attacks/data-folders.ts';
import devicesOfOthers from './attacks/devices-of-others.ts';
import enrolmentInBetween from './attacks/enrolment-in-between.ts';
import evidenceOfTheFuture from './attacks/evidence-of-the-future.ts';
import foreignPage from './attacks/foreign-page.ts';
import forgedHost from './attacks/forged-host.ts';
import garbageAndTls from './attacks/garbage-and-tls.ts';
import garbageFlood from './attacks/garbage-flood.ts';
import halfAnEnrolment from './attacks/half-an-enrolment.ts';
import halfHandshakes from './attacks/half-handshakes.ts';
import hj212Cutter from './attacks/hj212-cutter.ts';
import hj212Password from './attacks/hj212-password.ts';
import holes from './attacks/holes.ts';
import idleSockets from './attacks/idle-sockets.ts';
import inventedDevices from './attacks/invented-devices.ts';
import largeBodies from './attacks/large-bodies.ts';
import liveViewFromAnyProcess from './attacks/live-view-from-any-process.ts';
import liveViewers from './attacks/live-viewers.ts';
import longPasswords from './attacks/long-passwords.ts';
import namesOfTheLanguage from './attacks/names-of-the-language.ts';
import namesThatLookAlike from './attacks/names-that-look-alike.ts';
import nestedValues from './attacks/nested-values.ts';
import pathTraversal from './attacks/path-traversal.ts';
import pictureOfAHostileEdge from './attacks/picture-of-a-hostile-edge.ts';
import plaintextFromBeyond from './attacks/plaintext-from-beyond.ts';
import promisedPackets from './attacks/promised-packets.ts';
import recordedCommands from './attacks/recorded-commands.ts';
import requestLines from './attacks/request-lines.ts';
import senderOfAnother from './attacks/sender-of-another.ts';
import stateFlood from './attacks/state-flood.ts';
import stateOfAnother from './attacks/state-of-another.ts';
import statedAddress from './attacks/stated-address.ts';
import topicsOfAnother from './attacks/topics-of-another.ts';
import wrongCodes from './attacks/wrong-codes.ts';
import wrongMqttPasswords from './attacks/wrong-mqtt-passwords.ts';
import wrongRenewals from './attacks/wrong-renewals.ts';
import wrongTokens from './attacks/wrong-tokens.ts';
import zstdBomb from './attacks/zstd-bomb.ts';
import type { Attack } from './rig.ts';

export const ATTACKS: readonly Attack[] = [
  requestLines,
  pictureOfAHostileEdge,
  devicesOfOthers,
  commandsOfOthers,
  nestedValues,
  hj212Password,
  hj212Cutter,
  forgedHost,
  statedAddress,
  wrongTokens,
  wrongMqttPasswords,
  idleSockets,
  evidenceOfTheFuture,
  liveViewers,
  liveViewFromAnyProcess,
  dataFolders,
  inventedDevices,
  garbageFlood,
  senderOfAnother,
  topicsOfAnother,
  zstdBomb,
  stateFlood,
  holes,
  pathTraversal,
  foreignPage,
  promisedPackets,
  largeBodies,
  clientIdOfAnother,
  stateOfAnother,
  namesOfTheLanguage,
  recordedCommands,
  enrolmentInBetween,
  certificatesThatDoNotCount,
  plaintextFromBeyond,
  codeUsedTwice,
  halfAnEnrolment,
  clockOfABox,
  namesThatLookAlike,
  longPasswords,
  cookieOfAnotherGateway,
  halfHandshakes,
  wrongRenewals,
  wrongCodes,
  garbageAndTls,
];
