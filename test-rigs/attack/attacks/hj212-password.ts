import { hj212PacketBytes, qnText } from '../../../drivers/hj212/testing/data-logger.ts';
import { exchangeBytes, LOGGER_PASSWORD, LOGGER_MN, type Attack } from '../rig.ts';

const upload = (cn: string, password: string) =>
  hj212PacketBytes(
    `QN=${qnText(Date.now())};ST=22;CN=${cn};PW=${password};MN=${LOGGER_MN};Flag=5;CP=&&DataTime=${qnText(Date.now()).slice(0, 14)};a34004-Rtd=11.0,a34004-Flag=N&&`,
  );

export default {
  name: 'HJ 212 with a wrong password', clause: '1.4',
  async run(rig) {
    const answers = await Promise.all(
      ['2011', '9011', '9014', '1072'].map(async (cn) => (await exchangeBytes(rig.hj212Port, upload(cn, '000000'))).toString('latin1')),
    );
    const told = answers.some((answer) => answer.includes(LOGGER_PASSWORD));
    return { held: !told, detail: told ? 'it was told the right password' : 'it was told nothing of the right one' };
  },
} satisfies Attack;
