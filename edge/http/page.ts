/** The edge's own page: what a field engineer with a notebook on site looks at. One file, nothing from elsewhere. */
export const PAGE_POLICY =
  "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

const WORDS = {
  zh: {
    language: 'zh',
    title: '边缘节点',
    uplink: '上行',
    log: '日志',
    waiting: '条待确认',
    disk: '磁盘',
    devices: '设备',
    yes: '在线',
    no: '离线',
    last: '最新数据',
    reason: '原因',
    failing: '日志无法写入',
    lost: '本页与边缘节点失去联系',
    offset: '网关时钟偏差',
    unset: '时钟尚未校准，数据等待发送',
    unknown: '未知设备',
    times: '次',
    silent: '未发送任何内容',
    paste: '粘贴到 devices: 之下即可接入',
  },
  en: {
    language: 'en',
    title: 'Edge',
    uplink: 'Uplink',
    log: 'Log',
    waiting: 'events not yet acknowledged',
    disk: 'on disk',
    devices: 'Devices',
    yes: 'online',
    no: 'offline',
    last: 'last value',
    reason: 'reason',
    failing: 'the log cannot write',
    lost: 'this page has lost the edge',
    offset: 'gateway clock ahead by',
    unset: 'the clock is not set: events wait',
    unknown: 'Unknown devices',
    times: 'times',
    silent: 'said nothing',
    paste: 'paste under devices: to take it in',
  },
};

export function statusPage(chinese: boolean): string {
  const words = chinese ? WORDS.zh : WORDS.en;
  return `<!doctype html>
<html lang="${chinese ? 'zh-CN' : 'en'}"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1"><title>${words.title}</title>
<style>
body{font:16px/1.5 system-ui,"Noto Sans SC",sans-serif;margin:0 auto;max-width:52rem;padding:1rem;color:#1c2733;background:#f6f8fa}
h1{font-size:1.4rem;margin:.2rem 0}section{background:#fff;border:1px solid #d5dde5;border-radius:8px;padding:.6rem 1rem;margin:.8rem 0}
table{border-collapse:collapse;width:100%}td,th{text-align:left;padding:.3rem .5rem .3rem 0;border-top:1px solid #e6ebf0;overflow-wrap:anywhere}th{border:0;font-weight:600}li{overflow-wrap:anywhere}pre{margin:.2rem 0;overflow-x:auto}
.up::before{content:"●";color:#1a7f37;margin-right:.4em}.down::before{content:"○";color:#b3261e;margin-right:.4em}#lost{color:#b3261e;font-weight:600}
@media(prefers-color-scheme:dark){body{background:#12181f;color:#dbe4ec}section{background:#1a222b;border-color:#2c3844}td{border-color:#2c3844}}
</style></head><body>
<h1 id="name">${words.title}</h1><p id="lost" hidden>${words.lost}</p>
<section><table><tr><td>${words.uplink}</td><td id="uplink">…</td></tr><tr><td>${words.log}</td><td id="log">…</td></tr></table><ul id="problems"></ul></section>
<section><table><thead><tr><th>${words.devices}</th><th></th><th>${words.last}</th><th>${words.reason}</th></tr></thead><tbody id="devices"></tbody></table></section>
<section id="strangers" hidden><strong>${words.unknown}</strong> · ${words.paste}<ul id="unknown"></ul></section>
<script>
const words=${JSON.stringify(words)};
const by=(id)=>document.getElementById(id);
const cell=(row,text,name)=>{const td=row.insertCell();td.textContent=text;if(name)td.className=name};
async function look(){
  try{
    const health=await (await fetch('healthz')).json();
    by('lost').hidden=true;
    by('name').textContent=words.title+' '+health.edge+' · '+health.centre+' · '+health.version;
    const up=health.uplink;
    by('uplink').className=up.online?'up':'down';
    by('uplink').textContent=(up.online?words.yes:words.no)+(up.address?' · '+up.address:'')+(up.clockOffsetMs===null?'':' · '+words.offset+' '+up.clockOffsetMs+' ms')+(health.clock.known?'':' · '+words.unset);
    by('log').textContent=(health.log.writing?'':words.failing+' · ')+health.log.depth+' '+words.waiting+' · '+Math.ceil(health.log.bytes/1024)+' KB '+words.disk;
    by('problems').replaceChildren(...(health.problems||[]).map((problem)=>{const item=document.createElement('li');item.textContent=new Date(problem.at).toLocaleTimeString()+' '+problem[words.language];return item}));
    by('devices').replaceChildren();
    for(const device of health.devices){
      const row=by('devices').insertRow();
      cell(row,device.id+' ('+device.driver+')');
      cell(row,device.online?words.yes:words.no,device.online?'up':'down');
      cell(row,device.lastAt===null?'–':new Date(device.lastAt).toLocaleTimeString());
      cell(row,device.reason);
    }
    by('strangers').hidden=!(health.unknown||[]).length;
    // Told apart by its text: a page that is drawn anew each time would lose what somebody is about to copy.
    const drawn=JSON.stringify((health.unknown||[]).map((one)=>[one.driver,one.address,one.id,one.yaml]));
    if(drawn!==by('unknown').dataset.drawn){
      by('unknown').dataset.drawn=drawn;
      by('unknown').replaceChildren(...(health.unknown||[]).map((one)=>{
        const item=document.createElement('li');const lines=document.createElement('pre');lines.textContent=one.yaml;
        item.append(one.driver+' '+one.address+' ← '+one.peer+' · '+(one.id||words.silent)+' · '+one.count+' '+words.times+' · '+one.said.text,lines);return item}));
    }
  }catch(error){by("lost").hidden=false;by("lost").title=String(error)}
  AbortSignal.timeout(2000).onabort=look;
}
look();
</script></body></html>
`;
}
