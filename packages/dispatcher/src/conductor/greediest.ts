/**
 * The oldest of the entries of the user who has most of them. To end that one when there is one too many keeps a flood
 * of one user from pushing others out. Undefined where there are none.
 */
export function oldestOfGreediest<K>(entries: ReadonlyMap<K, { readonly uid: number }>): K | undefined {
  const open = new Map<number, number>();
  for (const { uid } of entries.values()) open.set(uid, (open.get(uid) ?? 0) + 1);
  const most = Math.max(...open.values());
  for (const [key, { uid }] of entries) if (open.get(uid) === most) return key;
  return undefined;
}
