import { defineFaults } from '../../core/faults.ts';

const SINK_FAULTS = defineFaults({
  CV_SINK_UNKNOWN: {
    stage: 'check', retry: 'after-change', actor: 'operator',
    en: ['{owner}: there is no sink of kind "{kind}"', '{hint}'],
    zh: ['{owner}：没有类型为“{kind}”的去处', '{hint}'],
  },
  CV_SINK_UNREACHABLE: {
    stage: 'sink',
    retry: 'backoff',
    actor: 'operator',
    en: [
      'sink {sink} cannot reach {url}: {detail}',
      'check its url and that the server runs; meanwhile the log holds what is to go there, as long as it has room',
    ],
    zh: ['数据转发 {sink} 无法连接 {url}：{detail}', '检查其 url 以及服务器是否运行；期间数据由事件日志保存，直至空间不足'],
  },
  CV_SINK_TIMEOUT: {
    stage: 'sink',
    retry: 'backoff',
    actor: 'operator',
    en: [
      'sink {sink}: {url} did not answer within {timeoutMs} ms',
      'look at the load of that server; if it is only slow, raise timeout or lower batch; the same events are sent again',
    ],
    zh: [
      '数据转发 {sink}：{url} 在 {timeoutMs} 毫秒内未应答',
      '检查该服务器的负载；若只是较慢，请调大 timeout 或减小 batch；相同事件会重新发送',
    ],
  },
  CV_SINK_BUSY: {
    stage: 'sink',
    retry: 'backoff',
    actor: 'operator',
    en: [
      'sink {sink}: {url} takes nothing at present ({status}): {detail}',
      'look at the log and the disk of that server, or at its limits; the same events are sent again',
    ],
    zh: ['数据转发 {sink}：{url} 暂时不接收数据（{status}）：{detail}', '检查该服务器的日志、磁盘或限额；相同事件会重新发送'],
  },
  CV_SINK_DENIED: {
    stage: 'sink',
    retry: 'after-change',
    actor: 'operator',
    en: [
      'sink {sink}: {url} does not let us in ({status}): {detail}',
      'give its settings a token that may write to this bucket; nothing is lost meanwhile, as long as the log has room',
    ],
    zh: [
      '数据转发 {sink}：{url} 拒绝访问（{status}）：{detail}',
      '请在其设置中提供对该 bucket 有写权限的 token；事件日志空间足够时期间数据不会丢失',
    ],
  },
  CV_SINK_TARGET_MISSING: {
    stage: 'sink',
    retry: 'after-change',
    actor: 'operator',
    en: [
      'sink {sink}: {url} does not know where this is to go ({status}): {detail}',
      'compare url, org and bucket with that server, or create the bucket; nothing is lost meanwhile, as long as the log has room',
    ],
    zh: [
      '数据转发 {sink}：{url} 找不到写入目标（{status}）：{detail}',
      '核对 url、org 和 bucket，或在服务器上创建该 bucket；事件日志空间足够时期间数据不会丢失',
    ],
  },
  CV_SINK_REFUSES_ALL: {
    stage: 'sink',
    retry: 'after-change',
    actor: 'operator',
    en: [
      'sink {sink}: {url} refuses whatever it is sent, even a plain line ({status}): {detail}',
      'check that url is that of a server which takes InfluxDB line protocol, and org and bucket; nothing is set aside for it',
    ],
    zh: [
      '数据转发 {sink}：{url} 拒绝一切写入，包括最简单的一行（{status}）：{detail}',
      '确认 url 指向接受 InfluxDB 行协议的服务器，并核对 org 和 bucket；不会因此搁置任何事件',
    ],
  },
  CV_SINK_REFUSED: {
    stage: 'sink',
    retry: 'never',
    actor: 'developer',
    en: [
      'sink {sink}: {url} refuses this content ({status}): {detail}',
      'see the list of what was set aside in store.dir/sinks; a field that changed its type there needs a new measurement',
    ],
    zh: [
      '数据转发 {sink}：{url} 拒收该内容（{status}）：{detail}',
      '见 store.dir/sinks 中的搁置清单；若为目标字段类型变化，请更换 measurement',
    ],
  },
  CV_SINK_SET_ASIDE: {
    stage: 'sink',
    retry: 'never',
    actor: 'operator',
    en: [
      'sink {sink} set event {event} aside, since its target refuses it ({status}): {detail}',
      'it stands with the reason in {path}; the others go on',
    ],
    zh: ['数据转发 {sink} 搁置了事件 {event}，因目标拒收（{status}）：{detail}', '事件及原因记录在 {path}；其余事件照常写入'],
  },
  CV_SINK_UNSAVED: {
    stage: 'sink',
    retry: 'backoff',
    actor: 'operator',
    en: [
      'sink {sink} cannot save how far it is to {path}: {detail}',
      'check space and permissions of store.dir; after a restart the last events would be sent once more',
    ],
    zh: ['数据转发 {sink} 无法将进度保存到 {path}：{detail}', '检查 store.dir 的空间和权限；若此时重启，最近的事件会再发送一次'],
  },
});

declare module '../../core/faults.ts' {
  interface FaultTables { sinks: typeof SINK_FAULTS }
}
