// The types of gallery, made by `roundtrip export types`. Don't edit them: change roundtrip.yaml, and make them anew.

import type { Base, StoredFile } from '@roundtrip/client';

/** A record of users. */
export interface User extends Base {
  handle: string;
  name: string | null;
  avatar: StoredFile | null;
  /** How many records of follows point here. */
  followers: number;
}

/** What create takes. */
export interface UserInput {
  id?: string;
  handle: string;
  name?: string | null;
  avatar?: Blob | null;
}

/** What update takes: what is left out stays. */
export interface UserPatch {
  handle?: string;
  name?: string | null;
  avatar?: Blob | null;
}

/** A record of photos. */
export interface Photo extends Base {
  /** The id of a record of users. */
  author: string;
  image: StoredFile;
  caption: string | null;
  private: boolean;
  /** How many records of likes point here. */
  likes: number;
  /** How many records of comments point here. */
  comments: number;
}

/** What create takes. */
export interface PhotoInput {
  id?: string;
  author?: string;
  image: Blob;
  caption?: string | null;
  private?: boolean;
}

/** What update takes: what is left out stays. */
export interface PhotoPatch {
  image?: Blob;
  caption?: string | null;
  private?: boolean;
}

/** A record of likes. */
export interface Like extends Base {
  /** The id of a record of users. */
  user: string;
  /** The id of a record of photos. */
  photo: string;
}

/** What create takes. */
export interface LikeInput {
  id?: string;
  user?: string;
  photo: string;
}

/** What update takes: what is left out stays. */
export interface LikePatch {
}

/** A record of comments. */
export interface Comment extends Base {
  /** The id of a record of users. */
  author: string;
  /** The id of a record of photos. */
  photo: string;
  text: string;
}

/** What create takes. */
export interface CommentInput {
  id?: string;
  author?: string;
  photo: string;
  text: string;
}

/** What update takes: what is left out stays. */
export interface CommentPatch {
  text?: string;
}

/** A record of follows. */
export interface Follow extends Base {
  /** The id of a record of users. */
  follower: string;
  /** The id of a record of users. */
  followee: string;
}

/** What create takes. */
export interface FollowInput {
  id?: string;
  follower?: string;
  followee: string;
}

/** What update takes: what is left out stays. */
export interface FollowPatch {
}

/** All of it, for createClient<Schema>(…). */
export interface Schema {
  collections: {
    users: { record: User; input: UserInput; patch: UserPatch; refs: {}; files: 'avatar' };
    photos: { record: Photo; input: PhotoInput; patch: PhotoPatch; refs: { author: 'users' }; files: 'image' };
    likes: { record: Like; input: LikeInput; patch: LikePatch; refs: { user: 'users'; photo: 'photos' }; files: never };
    comments: { record: Comment; input: CommentInput; patch: CommentPatch; refs: { author: 'users'; photo: 'photos' }; files: never };
    follows: { record: Follow; input: FollowInput; patch: FollowPatch; refs: { follower: 'users'; followee: 'users' }; files: never };
  };
  accounts: 'users';
  login: 'handle';
  roles: 'moderator';
  notifications: 'liked' | 'commented' | 'followed';
  channels: never;
}
