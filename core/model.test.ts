import assert from 'node:assert/strict';
import { test } from 'node:test';
import { classNameIn } from './model.ts';

test('a class is called by its Chinese name where it has one and Chinese is wanted', () => {
  const model = { classes: ['person', 'dog'], classesZh: ['人', ''] };
  assert.deepEqual([classNameIn('zh-CN', 'person', model), classNameIn('en', 'person', model)], ['人', 'person']);
  assert.deepEqual(['dog', 'face'].map((label) => classNameIn('zh-CN', label, model)), ['dog', 'face']);
  assert.equal(classNameIn('zh-CN', 'person'), 'person');
});
