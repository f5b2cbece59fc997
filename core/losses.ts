/** Closed list of reasons for which a sample or event does not make it. Every drop names one and is counted. */
export const LOSSES = {
  frame_unreadable: { en: 'a frame could not be decoded', zh: '帧无法解析' },
  point_unknown: { en: 'a value of a point that no configuration names', zh: '配置中没有的测点' },
  device_fault: { en: 'the device answered with an error or not at all', zh: '设备应答错误或无应答' },
  device_overflow: { en: 'the device\'s own queue ran over before it was read', zh: '设备自身的缓存溢出' },
  device_away: { en: 'the device had it while out of reach, and keeps no history of it', zh: '设备失联期间的数据，且设备没有历史可补' },
  picture_late: { en: 'a picture was older than the next one when its turn came', zh: '图像轮到处理时已有更新的图像' },
  model_failed: { en: 'the detector failed on a picture', zh: '检测模型处理失败' },
  unchanged: { en: 'within the deadband and before the heartbeat: left out on purpose', zh: '在死区内且未到心跳时间：按设定省略' },
  merged: { en: 'put together with others: the value of its window stands for it', zh: '已并入窗口聚合，由窗口的值代表' },
  log_full_oldest: { en: 'the log was full and let go of its oldest', zh: '日志已满，丢弃最旧的记录' },
  log_full_newest: { en: 'the log was full and took nothing new', zh: '日志已满，拒绝新的记录' },
  log_failed: { en: 'the log could not write', zh: '日志写入失败' },
  log_damaged: { en: 'a record of the log was damaged', zh: '日志记录损坏' },
  log_rewound: { en: 'the log ends before what was already known of it', zh: '日志末尾早于已知位置' },
  refused: { en: 'the gateway refused it three times', zh: '网关三次拒收' },
  quarantined: { en: 'set aside at the gateway with its reason', zh: '在网关隔离并记录原因' },
  duplicate: { en: 'already settled: seen again', zh: '已确认过的重复' },
  sink_overrun: { en: 'an optional sink was too slow', zh: '可选下游过慢' },
  sink_refused: { en: 'the target of a sink refuses it: set aside with its reason', zh: '下游目标拒收：搁置并记录原因' },
  store_full: { en: 'the time series was full and let go of its oldest', zh: '时序库已满，丢弃最旧的数据' },
  store_damaged: { en: 'a compressed part of the time series was damaged', zh: '时序库的压缩数据块损坏' },
  rule_late: { en: 'came after the rule had moved past its time', zh: '到达时规则已越过该时刻' },
  shutdown: { en: 'still in memory when the program ended', zh: '程序结束时仍在内存中' },
} as const satisfies Record<string, { en: string; zh: string }>;

export type LossReason = keyof typeof LOSSES;
