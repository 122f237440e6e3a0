import pc from 'picocolors'
import { expect, test } from 'vitest'
import { FanOutLines } from '../../src/cli/render/fan-out-lines.ts'
import type { SSEEvent } from '../../src/events/events.ts'
import { event, result } from './event-rig.ts'

const start = (taskId: string, itemCount?: number): SSEEvent =>
  event('task_start', { taskId, tool: 'echo', layer: 0, attempt: 1, ...(itemCount !== undefined && { itemCount }) })
const end = (taskId: string, status: 'success' | 'error' = 'success'): SSEEvent =>
  event('task_complete', result(taskId, status === 'error' ? { status, code: 'X', error: 'no' } : {}))

function describe(...events: readonly SSEEvent[]): (string | undefined)[] {
  const lines = new FanOutLines(pc.createColors(false))
  return events.map(each => lines.describe(each)).filter(line => line !== undefined)
}

test('of a fan-out only failures and its end have lines', () => {
  const lines = describe(
    start('label', 3),
    end('label[0]'),
    end('label[1]/fetch', 'error'),
    end('label[1]', 'error'),
    start('label[2]/all', 2),
    end('label[2]/all[0]', 'error'),
    end('label[2]/all'),
    end('label[2]'),
    end('label'),
  )
  expect(lines).toEqual([
    '✖ label[1]/fetch 12ms X: no',
    '✖ label[1] 12ms X: no',
    '✖ label[2]/all[0] 12ms X: no',
    '✔ label 12ms · 3 items, 1 failed',
  ])
})

test('rounds, tasks of a workflow and a fan-out that has ended before have lines as any task', () => {
  const lines = describe(
    start('poll'),
    end('poll[0]'),
    end('poll'),
    end('report/fetch'),
    start('report/each', 1),
    end('report/each[0]'),
    end('report/each'),
    end('report/each[0]'),
  )
  expect(lines).toEqual([
    '✔ poll[0] 12ms',
    '✔ poll 12ms',
    '✔ report/fetch 12ms',
    '✔ report/each 12ms · 1 item',
    '✔ report/each[0] 12ms',
  ])
})

test('a fan-out that fails is reported by its error', () => {
  expect(describe(start('label', 2), end('label', 'error'))).toEqual(['✖ label 12ms X: no'])
})
