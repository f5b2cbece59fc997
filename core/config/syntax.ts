/** What the YAML parser complains about, said in both languages. */
import type { ErrorCode } from 'yaml';

export const SYNTAX: Partial<Record<ErrorCode, { en: string; zh: string }>> = {
  TAB_AS_INDENT: { en: 'a tab in the indentation; only spaces may stand there', zh: '缩进中有制表符（Tab），只能用空格' },
  MISSING_CHAR: { en: 'a closing quote, a dash, or a colon with a space after it is missing', zh: '缺少结束引号、短横线，或后跟空格的冒号' },
  BAD_INDENT: { en: 'the indentation is wrong, or a bracket is not closed', zh: '缩进有误，或括号没有闭合' },
  BLOCK_AS_IMPLICIT_KEY: { en: 'a second ": " on one line; put a text that holds ": " in quotes', zh: '同一行出现第二个“: ”；含有“: ”的文本要加引号' },
  BLOCK_IN_FLOW: { en: 'a comma is missing between two settings inside { }', zh: '{ } 内两个设置之间缺少逗号' },
  BAD_SCALAR_START: { en: 'a text that begins with @, ` or % needs quotes', zh: '以 @、` 或 % 开头的文本要加引号' },
  MULTILINE_IMPLICIT_KEY: { en: 'no ": " on this line; write `key: value` with a space after the colon', zh: '本行没有 `: `；请写成 `键: 值`，冒号后有空格' },
  UNEXPECTED_TOKEN: { en: 'something stands here that does not belong; a ${env:…} inside { } or [ ] needs quotes', zh: '此处内容多余；{ } 或 [ ] 内的 ${env:…} 要加引号' },
  BAD_DQ_ESCAPE: { en: 'a backslash in double quotes; double it or use single quotes', zh: '双引号内有反斜杠；请写两个反斜杠或改用单引号' },
  BAD_ALIAS: { en: 'a text that begins with * needs quotes', zh: '以 * 开头的文本要加引号' },
  RESOURCE_EXHAUSTION: { en: 'lists or maps nested deeper than 256: a bracket is not closed, or this is no configuration', zh: '列表或映射嵌套超过 256 层：括号没有闭合，或此文件不是配置' },
  MULTIPLE_DOCS: { en: 'a second document begins here (---); one file holds one', zh: '此处开始了第二个文档（---）；一个文件只能有一个' },
  TAG_RESOLVE_FAILED: { en: 'a text that begins with ! needs quotes', zh: '以 ! 开头的文本要加引号' },
};
