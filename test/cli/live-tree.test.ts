import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { createViewer } from '../../src/cli/render/viewer.ts'
import type { SSEEvent } from '../../src/events/events.ts'
import { event, result, started } from './event-rig.ts'
import { contextOf, FakeProcess } from './fake-process.ts'

beforeEach(() => {
  vi.useFakeTimers()
})

afterEach(() => {
  vi.useRealTimers()
})

/** The events of a fan-out whose items start and end one after another. */
function* fanOut(size: number): Generator<SSEEvent> {
  yield started(['each'])
  yield event('task_start', { taskId: 'each', tool: 'echo', layer: 0, attempt: 1, itemCount: size })
  for (let index = 0; index < size; index++) {
    const taskId = `each[${index}]`
    const tasks = [{ taskId, tool: 'echo', layer: 0, dependsOn: [], index }]
    yield event('tasks_added', { parentId: 'each', tasks, totalTasks: index + 2 })
    yield event('task_start', { taskId, tool: 'echo', layer: 0, attempt: 1 })
    yield event('task_complete', result(taskId))
  }
}

/** What a terminal is sent while `size` items run for a second. */
async function measureFrames(size: number): Promise<{ frames: number; longest: number }> {
  const process = new FakeProcess()
  Object.assign(process.stderr, { isTTY: true, columns: 80, rows: 24 })
  let frames = 0
  let longest = 0
  process.stderr.onWrite(text => {
    if (text.includes('each')) frames += 1
    longest = Math.max(longest, text.length)
  })
  const viewer = await createViewer(contextOf(process))
  let count = 0
  for (const each of fanOut(size)) {
    await viewer.show(each)
    count += 1
    if (count % Math.ceil((3 * size) / 10) === 0) vi.advanceTimersByTime(100)
  }
  viewer.close()
  return { frames, longest }
}

test('10,000 items are drawn in as many frames as 100, each of a few lines', async () => {
  const few = await measureFrames(100)
  const many = await measureFrames(10_000)
  expect(many.frames).toBeLessThanOrEqual(few.frames + 1)
  expect(many.frames).toBeLessThanOrEqual(12)
  expect(many.longest).toBeLessThan(500)
})
