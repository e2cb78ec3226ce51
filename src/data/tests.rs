mod cifar;
mod fetch;
mod folder;
mod idx;
mod splits;
mod support;
mod tiny_imagenet;
mod verify;
