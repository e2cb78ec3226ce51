mod cifar;
mod folder;
mod idx;
mod splits;
mod support;
mod tiny_imagenet;
