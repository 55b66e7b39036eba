// What the compiler must know, and what it must refuse. The types are those of the gallery, made by the program under test.

import { createClient } from '../../dist/index.js';
import type { Schema } from './schema.js';

const rt = createClient<Schema>({ url: '/api/' });

/** Fails to compile unless both types are the same. */
function same<A, B>(..._: (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? [] : [never]) {}

export async function calls(file: File) {
  const photo = await rt.photos.create({ image: file, caption: 'The lake' });
  same<typeof photo.caption, string | null>();
  same<typeof photo.likes, number>();
  same<typeof photo.image.size, number>();
  // @ts-expect-error: a photo needs its image
  await rt.photos.create({ caption: 'none' });
  // @ts-expect-error: likes are counted by the server
  await rt.photos.create({ image: file, likes: 3 });
  await rt.photos.update(photo.id, { caption: null });
  // @ts-expect-error: the author is immutable
  await rt.photos.update(photo.id, { author: photo.author });
  // @ts-expect-error: there is no such collection
  void rt.fotos;

  const like = await rt.likes.get(photo.id, { expand: ['photo.author', 'user'] });
  same<typeof like.photo, string>();
  same<NonNullable<NonNullable<typeof like.expand.photo>['expand']['author']>['handle'], string>();
  // @ts-expect-error: this was not expanded
  void like.expand.comment;
  // @ts-expect-error: there is no such ref
  await rt.likes.get(photo.id, { expand: ['photo.owner'] });

  const { records } = await rt.photos.list({ fields: ['caption'], where: { author: photo.author, private: false } });
  same<(typeof records)[number], Pick<typeof photo, 'caption' | 'id'>>();
  // @ts-expect-error: only the caption was asked for
  void records[0]?.likes;
  // @ts-expect-error: there is no such field
  await rt.photos.list({ where: { autor: photo.author } });

  const feed = rt.comments.watch({ expand: ['author'] });
  feed.on(({ records }) => same<NonNullable<(typeof records)[number]['expand']['author']>['handle'], string>());
  rt.photos.watch(photo.id).on(({ record }) => same<typeof record, typeof photo | null>());

  await rt.batch([{ op: 'delete', collection: 'likes', id: like.id }]);
  // @ts-expect-error: a comment has no caption
  await rt.batch([{ op: 'update', collection: 'users', id: like.id, data: { caption: 'x' } }]);
  rt.fileUrl('photos', photo, 'image', 320);
  // @ts-expect-error: photos have no avatar
  rt.fileUrl('photos', photo, 'avatar');
}

export async function people() {
  const me = await rt.auth.signIn({ handle: 'ana', password: 'secret' });
  same<typeof me.account.handle, string>();
  same<(typeof me.roles)[number], 'moderator'>();
  // @ts-expect-error: accounts have no such login
  await rt.auth.signIn({ email: 'ana@example.com', password: 'secret' });
  await rt.auth.signUp({ handle: 'ana', password: 'secret' });
}

export async function untyped() {
  const any = createClient({ url: '/api/' });
  const { records } = await any.collection('photos').list({ expand: ['author'], where: { author: 'x' } });
  void records[0]?.caption;
  void records[0]?.expand.author.handle;
  await any.collection('photos').create({ caption: 'x' });
}
