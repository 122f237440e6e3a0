import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createRedact } from '../../src/integrations/redact.ts'

test.each([
  ['Wrong my-key and my-key-2', 'Wrong [redacted] and [redacted]'],
  ['Incorrect API key provided: sk-proj-****************AbCd.', 'Incorrect API key provided: [redacted]'],
  ['got Bearer eyJhbGciOi.J9', 'got [redacted]'],
  ['Bearer authentication is required to ask', 'Bearer authentication is required to ask'],
  ['', ''],
])('known secrets and texts shaped like keys are removed: %s', (text, expected) => {
  expect(createRedact(['my-key', 'my-key-2', ''])(text)).toBe(expected)
})

test.each([
  ['as it is', (secret: string) => secret],
  ['in JSON', (secret: string) => JSON.stringify(secret)],
  ['in JSON in JSON', (secret: string) => JSON.stringify(JSON.stringify(secret))],
  ['in a URL', encodeURIComponent],
  ['in HTML', (secret: string) => secret.replaceAll('&', '&amp;').replaceAll('"', '&quot;')],
])('a secret is taken out %s', (_, escape) => {
  const secret = 'p"a\\s&s=w/o rd'
  expect(createRedact([secret])(`before ${escape(secret)} after`)).toMatch(/^before [\\"]*\[redacted\][\\"]* after$/)
})

test('short secrets are left, as short as the caller says', () => {
  expect(createRedact(['12345', 'true'])('12345 is true')).toBe('12345 is true')
  expect(createRedact(['1234'], 4)('1234 is true')).toBe('[redacted] is true')
})

test('a secret of few letters is compared as it is', () => {
  expect(createRedact(['-/-/-/a'])('at -/-/-/a and a-a')).toBe('at [redacted] and a-a')
})

test('where a text is cut, the beginning of a secret is taken out', () => {
  const redact = createRedact(['of-the-file'])
  expect([redact('Bearer of-the-fi', true), redact('all of the')]).toEqual(['Bearer [redacted]', 'all of the'])
})

test('a text of any length is quoted up to a bound, and one beside too many secrets not at all', () => {
  const text = createRedact(['secret-value'])(`${'x'.repeat(65_530)}secret-value`)
  expect([text.length <= 65_550, text.includes('secret')]).toEqual([true, false])
  const many = Array.from({ length: 201 }, (_, index) => `secret-${index}`)
  expect(createRedact(many)('anything')).toBe('[redacted]')
})

test('no secret stays in any text around it, and half a character breaks nothing', () => {
  // What stands for a secret must not become one beside other text.
  const secret = fc.string({ unit: 'binary', minLength: 6 }).filter(text => !/[[\]]|^redact/.test(text))
  fc.assert(
    fc.property(secret, fc.string({ unit: 'binary' }), fc.string(), (hidden, before, after) => {
      expect(createRedact([hidden])(`${before}${hidden}${after}`)).not.toContain(hidden)
    }),
  )
  expect(createRedact(['fabcde'])('%2fabcde')).toBe('%2[redacted]')
  expect(createRedact(['\ud83d-----'])('\ufffd----- is gone')).toBe('[redacted] is gone')
})
