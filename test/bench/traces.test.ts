import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { readTraces } from '../../bench/traces.mjs'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'dagstream-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

const write = (name: string, content: unknown): string => {
  const path = join(folder, name)
  writeFileSync(path, JSON.stringify(content))
  return path
}

test('a trace in seconds becomes a workload in milliseconds, named after its file', () => {
  const path = write('small.json', {
    tasks: [
      { id: 't0', name: 'x', runtimeSeconds: 0.25 },
      { id: 't1', runtimeSeconds: 2, dependsOn: ['t0', 't0'] },
    ],
  })
  expect(readTraces(path)).toEqual([
    {
      name: 'small',
      tasks: [
        { id: 't0', durationMs: 250, dependsOn: [] },
        { id: 't1', durationMs: 2000, dependsOn: ['t0'] },
      ],
    },
  ])
})

test('a file of several gives one workload for each, with their own names', () => {
  const tasks = [{ id: '1', tool: 'step', durationMs: 30, dependsOn: [] }]
  expect(
    readTraces(
      write('many.json', {
        dags: [
          { id: 'one', tasks },
          { id: 'two', tasks: [] },
        ],
      }),
    ),
  ).toEqual([
    { name: 'one', tasks: [{ id: '1', durationMs: 30, dependsOn: [] }] },
    { name: 'two', tasks: [] },
  ])
})

test('a file that is neither, and a task without a duration, are refused by name', () => {
  expect(() => readTraces(write('other.json', { nodes: [] }))).toThrow('`other.json`')
  expect(() => readTraces(write('plans.json', { tasks: [{ id: 'a', dependsOn: [] }] }))).toThrow(
    'task `a` of `plans.json`',
  )
})
