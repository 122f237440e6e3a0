// @vitest-environment happy-dom
import { act, createElement, StrictMode } from 'react'
import { createRoot, type Root } from 'react-dom/client'
import { expect, onTestFinished, test } from 'vitest'
import { Answer } from '../../docs/examples/react-hook.tsx'
import { connectExecution, SSEStreamer, StreamingExecutor, type ToolContext } from '../../src/index.ts'
import { rig } from '../support/rig.ts'

Object.assign(globalThis, { IS_REACT_ACT_ENVIRONMENT: true })

/** A page with the component of the example, in strict mode: effects run twice there. */
async function mount(
  streamer: SSEStreamer,
  streamId?: string,
): Promise<{ root: Root; show: (streamId: string) => Promise<void> }> {
  const container = document.body.appendChild(document.createElement('div'))
  const root = createRoot(container)
  const show = (id?: string): Promise<void> =>
    act(async () =>
      root.render(
        createElement(StrictMode, null, createElement(Answer, { streamer, ...(id !== undefined && { streamId: id }) })),
      ),
    )
  await show(streamId)
  onTestFinished(() => container.remove())
  return { root, show }
}

const shown = (selector: string): string | undefined => document.querySelector(selector)?.textContent ?? undefined
const unmount = (root: Root): Promise<void> => act(async () => root.unmount())

test('the tokens are shown as they come, then the metrics, and no listener is left', async () => {
  const streamer = new SSEStreamer()
  const { root } = await mount(streamer)
  expect(streamer.listenerCount).toBe(1)
  await act(() => streamer.streamToken('Hel'))
  expect(shown('p')).toBe('Hel')
  expect(document.querySelector('section')?.getAttribute('aria-busy')).toBe('true')
  await act(() => streamer.streamToken('lo'))
  expect(shown('p')).toBe('Hello')
  await act(() => streamer.streamComplete('Hello!'))
  expect(shown('p')).toBe('Hello!')
  expect(shown('small')).toBe('2 tokens')
  await unmount(root)
  expect(streamer.listenerCount).toBe(0)
})

test('another stream takes the place of the one before', async () => {
  const streamer = new SSEStreamer()
  const { root, show } = await mount(streamer, 'x.a')
  await act(() => streamer.forStream('x.a').streamToken('a'))
  await act(() => streamer.forStream('x.b').streamToken('not shown'))
  expect(shown('p')).toBe('a')
  await show('x.b')
  expect(shown('p')).toBe('')
  await act(() => streamer.forStream('x.b').streamError(new Error('no')))
  expect(shown('strong')).toBe('no')
  expect(streamer.listenerCount).toBe(1)
  await unmount(root)
  expect(streamer.listenerCount).toBe(0)
})

test('a task of a workflow is shown, and the text of a failed attempt is cleared', async () => {
  const streamer = new SSEStreamer()
  const write = async (_: unknown, { attempt, emitToken }: ToolContext): Promise<void> => {
    emitToken(attempt === 1 ? 'void' : 'kept')
    if (attempt === 1) throw new Error('no')
  }
  const executor = new StreamingExecutor({ write }, { createId: () => 'x' })
  const { root } = await mount(streamer, 'x.a')
  const tasks = [{ id: 'a', tool: 'write', retry: { maxAttempts: 2, initialDelayMs: 0 } }]
  await act(() => connectExecution(executor.stream({ tasks }), streamer))
  expect(shown('p')).toBe('kept')
  // The task has ended, and so has its stream.
  expect(document.querySelector('section')?.getAttribute('aria-busy')).toBe('false')
  await unmount(root)
  expect(streamer.listenerCount).toBe(0)
})

test('a task that failed shows why', async () => {
  const streamer = new SSEStreamer()
  const fail = (): never => {
    throw new Error('no')
  }
  const executor = new StreamingExecutor({ fail, work: () => 1 }, { createId: () => 'x' })
  const { root } = await mount(streamer, 'x.a')
  const tasks = ['fail', 'work'].map((tool, index) => ({ id: index === 0 ? 'a' : 'b', tool }))
  await act(() => connectExecution(executor.stream({ tasks }), streamer))
  expect(shown('strong')).toBe('no')
  await unmount(root)
})

test.each([
  ['its id', 'x'],
  ['no id', undefined],
])('an execution, by %s, shows the text of its tasks, and has ended with the last of them', async (_, streamId) => {
  const streamer = new SSEStreamer()
  const { root } = await mount(streamer, streamId)
  const isBusy = (): string | null | undefined => document.querySelector('section')?.getAttribute('aria-busy')
  const tasks = ['a', 'b'].map(id => ({ id, tool: 'write', retry: { maxAttempts: 2, initialDelayMs: 0 } }))
  const { tool, execution, clock } = rig({ tasks })
  const connected = connectExecution(execution, streamer)
  const [a, b] = await tool.nextCalls('a', 'b')
  const again = await act(async () => {
    a.context.emitToken('one')
    b.context.emitToken('void')
    a.succeed({ text: 'One.' })
    b.fail(new Error('no'))
    await clock.run(0)
    return tool.nextCall('b')
  })
  await act(async () => {
    again.context.emitToken('two')
    await tool.idle()
  })
  expect([shown('p'), isBusy(), shown('small')]).toEqual(['one\n\ntwo', 'true', undefined])
  await act(async () => {
    again.succeed({ text: 'Two.' })
    await connected
  })
  expect([shown('p'), isBusy(), shown('small')]).toEqual(['One.\n\nTwo.', 'false', '2 tokens'])
  await unmount(root)
})
