import { expect, test } from 'vitest'
import { startFaultRig } from './fault-rig.ts'
import { leavesNoHandles } from './handles.ts'
import { expectAnswers, HUGE, headerRows, INJECTED, LONG, post, UTF8, withHead } from './hostile-rows.ts'
import { RawConnection, requestText } from './raw-connection.ts'

// Tokens, origins and hosts that must open nothing.

leavesNoHandles()

const tools = { work: () => 1 }

test('no host but those of the loopback is answered', async () => {
  const rig = await startFaultRig({ tools })
  const hosts: Record<string, readonly [number, string]> = {
    'its name': [200, 'localhost'],
    'its name, loudly': [200, 'LOCALHOST'],
    'its address': [200, `127.0.0.1:${rig.port}`],
    'its other address': [200, '[::1]'],
    another: [403, 'evil.example'],
    'one that begins like it': [403, 'localhost.evil.example'],
    'with a dot behind': [403, 'localhost.'],
    'another spelling': [403, '127.1'],
    'a hexadecimal one': [403, '0x7f.1'],
    dots: [403, '..'],
    long: [403, 'a'.repeat(8000)],
    empty: [400, ''],
    'a port too high': [400, 'localhost:99999'],
    'no port': [400, 'localhost:abc'],
    'a space': [400, 'local host'],
    'a path': [400, 'localhost/x'],
    'a user': [400, 'user@localhost'],
    'a query': [400, 'localhost?x'],
    'a fragment': [400, 'localhost#x'],
    'a backslash': [400, 'localhost\\@evil.example'],
    'an open bracket': [400, '[::1'],
    'a list': [400, 'localhost, evil.example'],
    'an encoded NUL': [400, '%00'],
    'a control character': [400, 'localhost\x01'],
    'Latin-1': [400, '\xe9'],
    'another header': [200, `localhost${INJECTED}`],
    huge: [431, 'a'.repeat(70_000)],
  }
  await expectAnswers(rig, [
    ...headerRows('Host', hosts, headers => requestText('GET', '/healthz', headers)),
    ['none', 400, withHead(['GET /healthz HTTP/1.1'])],
    ['none, HTTP/1.0', 400, withHead(['GET /healthz HTTP/1.0'])],
  ])
})

test('no token but the right one opens anything', async () => {
  const rig = await startFaultRig({ tools, token: 'right' })
  const values: Record<string, readonly [number, string]> = {
    empty: [401, ''],
    'the scheme alone': [401, 'Bearer'],
    'the scheme and nothing': [401, 'Bearer '],
    'a wrong one': [401, 'Bearer wrong'],
    'another letter': [401, 'Bearer righT'],
    'more than the right one': [401, 'Bearer right.'],
    'less than the right one': [401, 'Bearer righ'],
    'the right one twice': [401, 'Bearer right right'],
    'a list': [401, 'Bearer wrong, Bearer right'],
    'without a scheme': [401, 'right'],
    'another scheme': [401, 'Basic right'],
    'Latin-1': [401, 'Bearer right\xe9'],
    'UTF-8': [401, `Bearer ${UTF8}`],
    'a tab': [401, 'Bearer\tright'],
    'a second header': [401, 'Bearer wrong\r\nAuthorization: Bearer right'],
    'a prototype': [401, 'Bearer __proto__'],
    long: [401, `Bearer ${LONG}`],
    'a NUL': [400, 'Bearer right\0'],
    huge: [431, `Bearer ${HUGE}`],
  }
  const rows = ['/metrics', '/executions', '/executions/x/events', '/nothing'].flatMap(path => [
    ...headerRows(`Authorization for ${path}`, values, headers =>
      requestText('GET', path, { Authorization: Object.values(headers)[0] as string }),
    ),
    [`${path} with the token in the URL`, 401, requestText('GET', `${path}?access_token=right&token=right`)] as const,
  ])
  for (const [name, status, request] of rows) {
    const connection = await RawConnection.open(rig.port)
    connection.send(request)
    const answer = await connection.answer()
    connection.destroy()
    expect([name, answer.status, answer.isComplete]).toEqual([name, status, true])
    if (status === 401) expect(answer.headers.get('www-authenticate'), name).toMatch(/^Bearer/)
  }
})

test('no origin but those that are allowed may read an answer', async () => {
  const rig = await startFaultRig({ tools, allowedOrigins: ['https://good.example'] })
  const origins = [
    '',
    'null',
    '*',
    'https://good.example.evil',
    'https://evil/https://good.example',
    'https://GOOD.example',
  ]
  for (const origin of [...origins, 'http://good.example', 'https://good.example:8443', '\xe9', UTF8, LONG]) {
    for (const request of [
      post({ Origin: origin }),
      requestText('OPTIONS', '/executions', { Origin: origin, 'Access-Control-Request-Method': 'POST' }),
    ]) {
      const connection = await RawConnection.open(rig.port)
      connection.send(request)
      const { status, headers } = await connection.answer()
      connection.destroy()
      expect([origin, (status ?? 500) < 300]).toEqual([origin, true])
      expect([origin, headers.get('access-control-allow-origin')]).toEqual([origin, undefined])
    }
  }
})
