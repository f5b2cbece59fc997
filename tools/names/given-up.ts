/**
 * Words that we gave up, and what we write instead. Identifiers count where they stand alone; phrases in any text.
 * One word for one thing, in both languages; CONTRIBUTING says why.
 */
import type { GivenUpWord } from './texts.ts';

export const IDENTIFIERS: readonly GivenUpWord[] = [
  { word: 'Saying', use: 'Announcement' },
  { word: 'hear', use: 'apply' },
  { word: 'speakUp', use: 'unsuppress' },
  { word: 'FedGroup', use: 'LogBatch' },
  { word: 'FedEvent', use: 'LoggedEvent' },
  { word: 'Strangers', use: 'UnconfiguredDevices' },
  { word: 'Stood', use: 'UnchangedFrame' },
  { word: 'Coming', use: 'InboundFrames' },
  { word: 'takeAsTheyCome', use: 'receiveFrames' },
  { word: 'Ear', use: 'FrameReceiver' },
  { word: /\b(?:AILMENTS|Mood|Lack|Odd|Thing|Blinds|AS_THEY_ARE|diesWithUs)\b/, use: 'what it is' },
  { word: 'equip', use: 'resolveDependencies' },
  { word: 'OF_THE_CALL', use: 'NON_RETRYABLE' },
  { word: 'letGo', use: 'removeConsumer' },
];

export const PHRASES: readonly GivenUpWord[] = [
  { word: /viewers follow already/, use: 'viewer limit reached' },
  { word: /\bis not spoken here\b/, use: 'unsupported' },
  { word: /\bno \{type\} but \{said\}/, use: 'expected {type}, got {got}' },
  { word: /\b(?:time|value|number|address|date) that is none\b/, use: 'invalid' },
  { word: /could not be dealt with|\bcomes again\b/, use: 'failed; not acknowledged, will be resent' },
  { word: /No camera is like that/, use: 'No matching cameras' },
];

export const CHINESE: readonly GivenUpWord[] = [
  { word: /低洼处停车和行人/, use: '及时转移低洼处车辆和行人' },
  { word: /队长（米）/, use: '排队长度（米）' },
  { word: /停住不动/, use: '静止' },
  { word: /物品被移走/, use: '物品拿取' },
  { word: /标签驶[入出]/, use: '标签进场、标签出场' },
  { word: /待接收|预警已接收/, use: '待签收、已签收' },
  { word: /已评估至/, use: '规则已计算至' },
  { word: /未观测/, use: '状态未知' },
  { word: /逐幅/, use: '逐帧，仅图片刷新' },
  { word: /边缘日志/, use: '边缘缓存' },
  { word: /其他去处/, use: '数据转发' },
  { word: /未写先删/, use: '未写入即舍弃' },
  { word: /陈旧/, use: '过期' },
  { word: /突跳/, use: '突变' },
  { word: /[红橙黄蓝]色限/, use: '橙色阈值' },
  { word: /新鲜/, use: '及时' },
  { word: /迟到/, use: '延迟' },
  { word: /坏值/, use: '无效值' },
  { word: /小盒/, use: '边缘节点' },
  { word: /定质|研判|精简/, use: '质量判定、规则判断、归并' },
  { word: /看看丢了什么/, use: '数据一条不丢' },
  { word: /时代/, use: 'epoch（代次）' },
  { word: /资料编号/, use: 'PLC 地址' },
  { word: /未拨入/, use: '未连接' },
  { word: /无法在.*等待/, use: '无法监听' },
  { word: /上传间隔/, use: '数据间隔' },
  { word: /按到达次序/, use: '与到达次序无关' },
  { word: /拒绝用户名和密码/, use: '用户名或密码错误' },
  { word: /得分/, use: '置信度' },
  { word: /规则记忆/, use: '规则状态' },
  { word: /落在原处/, use: '幂等覆盖' },
  { word: /证人/, use: '校验端' },
  { word: /摄像头/, use: '摄像机' },
  { word: /丢弃/, use: '舍弃' },
  { word: /释放了/, use: '舍弃了' },
  { word: /否则请上报/, use: '否则请反馈' },
];
