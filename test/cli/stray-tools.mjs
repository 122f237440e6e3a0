// Tools whose failures come where nobody waits for them.
// oxlint-disable-next-line import/no-default-export -- what `--tools` takes
export default {
  throwLater: () =>
    void setTimeout(() => {
      throw new Error('thrown later')
    }),
  rejectLater: () => {
    void Promise.reject(new Error('rejected later'))
    return 'done'
  },
}
