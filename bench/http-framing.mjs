/** RFC 9112, 7.1: the last chunk. No text of an event has a CR, so that nothing else looks like it. */
export const LAST_CHUNK = '\r\n0\r\n\r\n'

/** The head of an answer, without the empty line; names in lower case. */
export function parseHead(text) {
  const [statusLine, ...lines] = text.split('\r\n')
  const headers = Object.fromEntries(
    lines.map(line => [line.slice(0, line.indexOf(':')).toLowerCase(), line.slice(line.indexOf(':') + 1).trim()]),
  )
  return { status: Number(statusLine.split(' ')[1]), headers }
}

/** RFC 9112, 7.1: what a chunked body says, and in how many chunks. @param {string} text as Latin-1: sizes are of bytes */
export function readChunks(text) {
  let body = ''
  let chunkCount = 0
  for (let at = 0; ; ) {
    const lineEnd = text.indexOf('\r\n', at)
    const size = Number.parseInt(text.slice(at, lineEnd), 16)
    if (!(size > 0)) return { body, chunkCount }
    body += text.slice(lineEnd + 2, lineEnd + 2 + size)
    chunkCount += 1
    at = lineEnd + 4 + size
  }
}

/** The id of the last event that came whole. @param {string} text the end of a body, framing included @throws where it has none */
export function findLastId(text) {
  const events = text.matchAll(/(?:^|\n)id: (\S+)\nevent: .*\ndata: .*\n(?=\n)/g)
  const last = [...events].at(-1)?.[1]
  if (last === undefined) throw new Error(`Expected an event, got ${JSON.stringify(text)}`)
  return last
}

/** Counts lines that end in LF alone: those of events, not those of chunked framing. */
export function createLineCounter() {
  let total = 0
  let last = 0
  let awaited = Number.POSITIVE_INFINITY
  let onReached
  return {
    count(bytes, from, to) {
      for (let at = bytes.indexOf(10, from); at !== -1 && at < to; at = bytes.indexOf(10, at + 1)) {
        if ((at === from ? last : bytes[at - 1]) !== 13) total += 1
      }
      last = bytes[to - 1]
      if (total >= awaited) onReached()
    },
    total: () => total,
    /** Settles as soon as there are so many. */
    reach(least) {
      awaited = least
      return new Promise(resolve => {
        onReached = resolve
      })
    },
  }
}
