import fc from 'fast-check'
import { expect, test } from 'vitest'
import { cutText, cutUtf8, findHalf, shortenText, TextJoiner, toWellFormedJson } from '../src/text.ts'

const ROCKET = '\u{1f680}'
const text = fc.string({ unit: fc.constantFrom('a', 'é', ROCKET, '\ud83d', '\ude80', '\\', 'u', '"') })

test('a text is cut between two characters, and is well-formed', () => {
  expect(cutText(`ab${ROCKET}`, 4)).toBe(`ab${ROCKET}`)
  expect(cutText(`ab${ROCKET}`, 3)).toBe('ab')
  expect(cutText(`a\ud83d${ROCKET}`, 3)).toBe('a\ufffd')
  expect(cutText('a\ude80b', 2)).toBe('a\ufffd')
  expect(shortenText(`ab${ROCKET}c`, 4)).toBe('ab…')
  expect(shortenText('a\ud83d', 4)).toBe('a\ufffd')
  expect(cutUtf8(`ab${ROCKET}`, 5)).toBe('ab')
  fc.assert(
    fc.property(text, fc.nat(20), (given, length) => {
      for (const cut of [cutText(given, length), cutUtf8(given, length), shortenText(given, length + 1)]) {
        expect(cut.isWellFormed()).toBe(true)
        expect(cut.length).toBeLessThanOrEqual(length + 1)
      }
      expect(given.toWellFormed().startsWith(cutText(given, length))).toBe(true)
    }),
  )
})

test('joined pieces are the text, wherever it was parted', () => {
  fc.assert(
    fc.property(fc.array(text), pieces => {
      const joiner = new TextJoiner()
      const joined = pieces.map(piece => joiner.add(piece))
      joined.push(joiner.end())
      expect(joined.every(piece => piece.isWellFormed())).toBe(true)
      expect(joined.join('')).toBe(pieces.join('').toWellFormed())
      expect(joiner.end()).toBe('')
    }),
  )
})

test('JSON text loses halves of characters and nothing else', () => {
  fc.assert(
    fc.property(text, given => {
      expect(toWellFormedJson(JSON.stringify({ [given]: [given] }))).toBe(
        JSON.stringify({ [given.toWellFormed()]: [given.toWellFormed()] }),
      )
    }),
  )
  expect(toWellFormedJson('"\\ud83d\\ude80 \\uD83D\\uDE80 \\\\ud83d \\ude80"')).toBe(
    '"\\ud83d\\ude80 \\uD83D\\uDE80 \\\\ud83d \ufffd"',
  )
})

test('half of a character is found in values and keys', () => {
  expect(findHalf({ a: [ROCKET, { b: '\ud83d' }] })).toEqual(['a', '1', 'b'])
  expect(findHalf({ a: { '\ude80': 1 } })).toEqual(['a', '\ude80'])
  expect(findHalf('\ud83d')).toEqual([])
  expect(findHalf([1, null, ROCKET, { a: true }])).toBeUndefined()
})
