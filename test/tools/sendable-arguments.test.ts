import { expect, test } from 'vitest'
import { makeSendable } from '../../src/tools/sendable-arguments.ts'

test('arguments of whole characters are sent as they are', () => {
  const args = { prompt: 'a \u{1f680}', list: [1, null, { é: true }] }
  expect(
    makeSendable(args, () => {
      throw new Error('not expected')
    }),
  ).toBe(args)
})

test('a lone surrogate is sent as U+FFFD, and a warning names its place', () => {
  const said: string[] = []
  const args = { messages: [{ role: 'user', content: 'cut \ud83d' }] }
  expect(makeSendable(args, (level, message) => void said.push(`${level}: ${message}`))).toEqual({
    messages: [{ role: 'user', content: 'cut \ufffd' }],
  })
  expect(said).toEqual([
    'warning: The arguments contain a lone surrogate, first at `/messages/0/content`: sent as U+FFFD',
  ])
})
