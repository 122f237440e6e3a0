import { EventEmitter } from 'node:events'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import type { Hint } from '../../src/cluster/shared-store.ts'
import { HintChannel } from '../../src/store/postgres/cluster/hint-channel.ts'
import { HintLane } from '../../src/store/postgres/cluster/hint-lane.ts'
import { toWord } from '../../src/store/postgres/cluster/hint-text.ts'

const log = (executionId: string): Hint => ({ kind: 'log', executionId })

test('an idle lane sends at once, and joins the hints of its pause', async () => {
  vi.useFakeTimers()
  onTestFinished(() => void vi.useRealTimers())
  const sent: string[][] = []
  const lane = new HintLane(10, async hints => void sent.push([...hints.keys()]))
  lane.add(log('a'))
  await vi.advanceTimersByTimeAsync(1)
  for (const id of ['b', 'c', 'b']) lane.add(log(id))
  await vi.advanceTimersByTimeAsync(8)
  expect(sent).toEqual([['la']])
  await vi.advanceTimersByTimeAsync(3)
  expect(sent).toEqual([['la'], ['lb', 'lc']])
})

test('hints that another lane has taken are not sent again', async () => {
  vi.useFakeTimers()
  onTestFinished(() => void vi.useRealTimers())
  const sent: string[][] = []
  const lane = new HintLane(10, async hints => void sent.push([...hints.keys()]))
  lane.add(log('a'))
  expect([...lane.take().keys()]).toEqual(['la'])
  await vi.advanceTimersByTimeAsync(50)
  lane.add(log('b'))
  await vi.advanceTimersByTimeAsync(50)
  expect(sent).toEqual([['lb']])
})

test('an idle lane with a delay leaves its hints to another one for so long', async () => {
  vi.useFakeTimers()
  onTestFinished(() => void vi.useRealTimers())
  const sent: string[][] = []
  const lane = new HintLane(10, async hints => void sent.push([...hints.keys()]), 2)
  lane.add(log('a'))
  await vi.advanceTimersByTimeAsync(1)
  expect(sent).toEqual([])
  await vi.advanceTimersByTimeAsync(1)
  expect(sent).toEqual([['la']])
})

describe('a write that carries hints', () => {
  const inbox = (executionId: string): Hint => ({ kind: 'inbox', executionId })

  function hold(): { promise: Promise<void>; resolve: () => void; reject: (error: Error) => void } {
    let resolve = (): void => {}
    let reject: (error: Error) => void = resolve
    const promise = new Promise<void>((...both) => ([resolve, reject] = both))
    return { promise, resolve, reject }
  }

  /** A channel that counts what its lanes send, on timers that the test moves. */
  async function open(): Promise<{ channel: HintChannel; woken: string[][]; sent: string[] }> {
    vi.useFakeTimers()
    onTestFinished(() => void vi.useRealTimers())
    const sent: string[] = []
    const database = { tryOnce: async (_: unknown, values: readonly unknown[]) => void sent.push(...toTexts(values)) }
    class Client extends EventEmitter {
      readonly connect = async (): Promise<void> => {}
      readonly query = async (): Promise<void> => {}
      readonly end = async (): Promise<void> => {}
    }
    const channel = new HintChannel(database as never, { Client } as never, {})
    const woken: string[][] = []
    await channel.subscribe(hints => void woken.push((hints ?? []).map(toWord)))
    return { channel, woken, sent }
  }
  /** The words of a notification, without that of its sender. */
  const toTexts = ([, payloads]: readonly unknown[]): readonly string[] =>
    (payloads as readonly string[]).flatMap(payload => payload.split(' ').slice(1))

  test('sends its own and those that wait, and wakes the subscribers of its process behind it', async () => {
    const { channel, woken, sent } = await open()
    const written = hold()
    let carried: readonly string[] = []
    channel.publish(log('a'))
    const ended = channel.carry([inbox('b')], async after => {
      carried = toTexts(after?.values ?? [])
      await written.promise
      return 1
    })
    await vi.advanceTimersByTimeAsync(1)
    expect([carried.toSorted(), woken, sent]).toEqual([['ib', 'la'], [], []])
    written.resolve()
    expect(await ended).toBe(1)
    await vi.advanceTimersByTimeAsync(100)
    expect([woken.map(words => words.toSorted()), sent]).toEqual([[['ib', 'la']], []])
  })

  test('that lasts does not keep the hints of others, and one that fails loses none', async () => {
    const { channel, woken, sent } = await open()
    const written = hold()
    channel.publish(log('a'))
    const ended = channel.carry([inbox('b')], () => written.promise)
    channel.publish(inbox('c'))
    await vi.advanceTimersByTimeAsync(20)
    expect([sent.toSorted(), woken.flat().toSorted()]).toEqual([
      ['ic', 'la'],
      ['ic', 'la'],
    ])
    written.reject(new Error('Lost'))
    await expect(ended).rejects.toThrow('Lost')
    await vi.advanceTimersByTimeAsync(20)
    expect(sent).toContain('ib')
  })

  test('is the only one of its process, so that a slow database gets fewer', async () => {
    const { channel, sent } = await open()
    const written = hold()
    const first = channel.carry([inbox('a')], () => written.promise)
    await vi.advanceTimersByTimeAsync(20)
    expect(await channel.carry([inbox('b')], async after => after === undefined)).toBe(true)
    await vi.advanceTimersByTimeAsync(20)
    expect(sent).toEqual(['ib'])
    written.resolve()
    await first
    await vi.advanceTimersByTimeAsync(20)
    const isAlone = (after?: object): boolean => after === undefined
    const lasting = async (after?: object): Promise<boolean> => {
      await vi.advanceTimersByTimeAsync(1)
      return isAlone(after)
    }
    expect(await channel.carry([inbox('c')], lasting)).toBe(false)
    // A pause follows its end, as long as it took.
    expect(await channel.carry([inbox('d')], async after => isAlone(after))).toBe(true)
    await vi.advanceTimersByTimeAsync(1)
    expect(await channel.carry([inbox('e')], async after => isAlone(after))).toBe(false)
    await vi.advanceTimersByTimeAsync(20)
    expect(sent).toEqual(['ib', 'id'])
  })

  test('of a channel that was closed meanwhile wakes nobody', async () => {
    const { channel, woken, sent } = await open()
    const written = hold()
    const ended = channel.carry([inbox('a')], () => written.promise)
    await channel.close()
    written.resolve()
    await ended
    await channel.carry([inbox('b')], async after => expect(after).toBeUndefined())
    await vi.advanceTimersByTimeAsync(20)
    expect([woken, sent]).toEqual([[], []])
  })
})
